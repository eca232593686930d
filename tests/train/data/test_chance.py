import pytest
import torch
from torch import Tensor

from resspec.training.data.chance import beta, choice, happens, normal, uniform

KEYS = torch.arange(40_000) * 6_700_417 - 10**12


def distance(sample: Tensor, other: Tensor) -> float:
    """Kolmogorov and Smirnov's, of two samples of one size."""
    values = torch.cat([sample, other]).sort().values
    ranks = [
        torch.searchsorted(part.sort().values, values, right=True) / len(part)
        for part in (sample, other)
    ]
    return float((ranks[0] - ranks[1]).abs().max())


def test_numbers_are_uniform_and_unrelated_between_keys_names_and_columns() -> None:
    numbers = torch.cat([uniform(KEYS, "one", 2), uniform(KEYS, "other")], 1)
    assert numbers.min() >= 0 and numbers.max() < 1
    assert (
        distance(
            numbers[:, 1], torch.rand(40_000, generator=torch.Generator().manual_seed(0)).double()
        )
        < 0.015
    )
    assert ((numbers * 16).long().flatten().bincount() / 7500 - 1).abs().max() < 0.06
    assert (torch.corrcoef(numbers.T) - torch.eye(3)).abs().max() < 0.02
    assert torch.corrcoef(torch.stack([numbers[1:, 0], numbers[:-1, 0]]))[0, 1].abs() < 0.02


def test_a_number_depends_on_its_key_and_name_alone() -> None:
    numbers, order = uniform(KEYS, "one", 3), torch.randperm(40_000)
    torch.manual_seed(1)
    assert torch.equal(uniform(KEYS[order], "one", 5)[:, :3], numbers[order])
    assert torch.equal(uniform(KEYS[7:8], "one"), numbers[7:8, :1])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.5])
def test_shares_are_of_the_beta_distribution(alpha: float) -> None:
    torch.manual_seed(0)
    both = torch.tensor(alpha, dtype=torch.float64)
    reference = torch.distributions.Beta(both, both).sample((40_000,))
    assert distance(beta(KEYS, "share", alpha), reference) < 0.015


def test_normal_numbers_are_normal() -> None:
    found = normal(KEYS, "colour", 3)
    reference = torch.randn(40_000, generator=torch.Generator().manual_seed(0))
    assert all(distance(column, reference.double()) < 0.015 for column in found.T)
    assert (torch.corrcoef(found.T) - torch.eye(3)).abs().max() < 0.02


def test_choices_are_equally_common_up_to_limits_of_each_image() -> None:
    assert ((choice(KEYS, "side", 5).bincount(minlength=5) - 8000).abs() < 400).all()
    limits = torch.arange(40_000) % 3 + 1
    chosen = choice(KEYS, "side", limits)
    assert (chosen < limits).all()
    assert ((chosen[limits == 3].bincount() / (limits == 3).sum() - 1 / 3).abs() < 0.02).all()
    assert abs(float(happens(KEYS, "flip", 0.3).float().mean()) - 0.3) < 0.01
