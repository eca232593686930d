from hashlib import sha256

import pytest
import torch
from torch.nn.functional import pad

from resspec.diagnostics import UsageError
from resspec.train.data import Dataset, epoch, load, shifted


def numbered(count: int = 50) -> Dataset:
    """Images that hold nothing but their own index, so that an epoch shows which it took."""
    indices = torch.arange(count)
    images = indices.to(torch.uint8)[:, None, None, None].expand(count, 1, 4, 4)
    return Dataset("numbered", images, indices % 2, 2, indices[:40], indices[40:])


def test_digits_are_the_real_images() -> None:
    data = load("digits")
    assert data.images.shape == (1797, 1, 8, 8)
    assert data.images.dtype == torch.uint8
    assert int(data.images.max()) == 16
    assert data.labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as UCI's description says


def test_the_split_is_stratified_and_covers_everything_once() -> None:
    data = load("digits")
    assert torch.equal(torch.cat([data.train, data.test]).sort().values, torch.arange(1797))
    share = data.labels[data.test].bincount() / data.labels.bincount()
    assert float((share - 0.2).abs().max()) < 0.006


def test_the_split_is_fixed() -> None:
    chosen = ",".join(map(str, load("digits").test.tolist()))
    assert sha256(chosen.encode()).hexdigest().startswith("153a491d62bfa9ab")


def test_normalized_training_images_have_mean_0_and_deviation_1() -> None:
    data = load("digits")
    images = data.normalized(data.images[data.train])
    assert images.mean().item() == pytest.approx(0, abs=1e-5)
    assert images.std().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_an_epoch_shows_every_training_image_once(batch: int) -> None:
    batches = list(epoch(numbered(), seed=3, number=1, batch=batch, shift=0))
    seen = torch.cat([images[:, 0, 0, 0] for images, _ in batches]).long()
    assert all(len(images) == batch for images, _ in batches[:-1])
    assert torch.equal(seen.sort().values, torch.arange(40))
    assert torch.equal(torch.cat([labels for _, labels in batches]), seen % 2)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, number: int, batch: int = 8) -> list[int]:
        torch.rand(1)
        batches = epoch(numbered(), seed=seed, number=number, batch=batch, shift=0)
        return [int(image) for images, _ in batches for image in images[:, 0, 0, 0]]

    assert order(0, 1) == order(0, 1) == order(0, 1, batch=5)
    assert len({tuple(order(seed, number)) for seed in (0, 1) for number in (1, 2, 3)}) == 6


def test_a_shift_moves_each_image_as_cutting_it_out_of_a_border_does() -> None:
    images = torch.randint(0, 255, (30, 3, 6, 5), dtype=torch.uint8)
    moves = torch.randint(0, 5, (2, 30))
    wanted = [
        pad(image, (2, 2, 2, 2))[:, row : row + 6, column : column + 5]
        for image, row, column in zip(images, *moves.tolist(), strict=True)
    ]
    assert torch.equal(shifted(images, moves, 2), torch.stack(wanted))


def test_an_unknown_data_set_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no data set is called `digit`; did you mean `digits`\?"):
        load("digit")
    with pytest.raises(UsageError, match=r"no data set is called `imagenet`; there is digits"):
        load("imagenet")
