from hashlib import sha256

import pytest
import torch
from torch.nn.functional import pad

from resspec.diagnostics import UsageError
from resspec.train.data import Draw, InMemory, load, shifted
from resspec.train.recipe import Test


def part(name: str) -> InMemory:
    split = getattr(load("digits"), name)
    assert isinstance(split, InMemory)
    return split


def test_digits_are_the_real_images() -> None:
    images = torch.cat([part("train").images, part("test").images])
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == torch.uint8
    assert int(images.max()) == 16
    labels = torch.cat([part("train").labels, part("test").labels])
    assert labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as UCI's description says


def test_the_split_is_stratified_and_covers_everything_once() -> None:
    train, test = part("train"), part("test")
    assert torch.equal(torch.cat([train.original, test.original]).sort().values, torch.arange(1797))
    share = test.labels.bincount() / (train.labels.bincount() + test.labels.bincount())
    assert float((share - 0.2).abs().max()) < 0.006


def test_the_split_is_fixed() -> None:
    chosen = ",".join(map(str, part("test").original.tolist()))
    assert sha256(chosen.encode()).hexdigest().startswith("153a491d62bfa9ab")


def test_normalized_training_images_have_mean_0_and_deviation_1() -> None:
    every = torch.arange(len(part("train")))
    ((images, _),) = part("train").batches([Draw(every, every)], view=Test(), device=torch.device("cpu"))
    assert images.mean().item() == pytest.approx(0, abs=1e-5)
    assert images.std().item() == pytest.approx(1, abs=1e-4)


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
