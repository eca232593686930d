"""The images to train on and to test with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import pad

from resspec.diagnostics import UsageError
from resspec.suggest import nearest
from resspec.train.data.draw import Batch, Draw
from resspec.train.keys import scramble
from resspec.train.recipe import Data, Test

__all__ = ["Batch", "Dataset", "Draw", "Moments", "Split", "View", "load"]

TEST_EVERY = 5

View = Data | Test  # how images are shown: as a recipe says for training, or for testing


class Split(Protocol):
    """A part of a data set."""

    @property
    def labels(self) -> Tensor:
        """The class of each image (int64, N)."""

    def __len__(self) -> int: ...

    def batches(self, draws: Iterable[Draw], *, view: View, device: torch.device, workers: int = 0) -> Iterator[Batch]:
        """A batch for each draw, in their order; the same on any device, with any number of workers."""


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of each channel of the training images, in the unit that they are stored in."""

    mean: Tensor
    deviation: Tensor


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set: `shape` is CxHxW of an image as it is stored."""

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    train: Split
    test: Split
    moments: Moments


@dataclass(frozen=True, eq=False)
class InMemory:
    """Images as stored, NxCxHxW in uint8."""

    images: Tensor
    labels: Tensor
    moments: Moments
    original: Tensor  # each image's index in the data set as it is published

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, draws: Iterable[Draw], *, view: View, device: torch.device, workers: int = 0) -> Iterator[Batch]:
        del workers
        mean, deviation = (moment.view(-1, 1, 1) for moment in (self.moments.mean, self.moments.deviation))
        reach = view.shift if isinstance(view, Data) else 0
        for draw in draws:
            moves = torch.stack([scramble(draw.keys + axis) for axis in (1, 2)]) % (2 * reach + 1)
            images = shifted(self.images[draw.indices], moves, reach).float()
            yield Batch(((images - mean) / deviation).to(device), self.labels[draw.indices].to(device))


def load(name: str) -> Dataset:
    """A data set by its name. Raises UsageError where there is none of that name."""
    if name not in DATASETS:
        close = nearest(name, DATASETS)
        hint = f"did you mean `{close}`?" if close else f"there is {', '.join(DATASETS)}"
        raise UsageError(f"no data set is called `{name}`; {hint}")
    return DATASETS[name]()


def digits() -> Dataset:
    """1,797 handwritten digits of 8x8 pixels in 17 greys (UCI), as scikit-learn ships them. The same 43 people wrote both
    parts: the split says how well their digits are told apart, not a stranger's."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    labels = torch.from_numpy(bunch.target).long()
    images = torch.from_numpy(bunch.images).to(torch.uint8).unsqueeze(1)
    train, test = stratified(labels)
    pixels = images[train].double()
    moments = Moments(pixels.mean((0, 2, 3)).float(), pixels.std((0, 2, 3), correction=0).float())
    first, second = (InMemory(images[part], labels[part], moments, part) for part in (train, test))
    return Dataset("digits", tuple("0123456789"), (1, 8, 8), first, second, moments)


DATASETS: dict[str, Callable[[], Dataset]] = {"digits": digits}


def stratified(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the training and the test part: of each class, every fifth image is for the test."""
    test = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        test[(labels == label).nonzero().flatten()[TEST_EVERY - 1 :: TEST_EVERY]] = True
    return (~test).nonzero().flatten(), test.nonzero().flatten()


def shifted(images: Tensor, moves: Tensor, reach: int) -> Tensor:
    """Each image cut out of itself with a border of `reach` zeros, at the row and column of its move (2xB, 0 .. 2 * reach)."""
    count, _, height, width = images.shape
    bordered = pad(images, (reach, reach, reach, reach))
    rows = moves[0, :, None, None] + torch.arange(height)[:, None]
    columns = moves[1, :, None, None] + torch.arange(width)
    return bordered[torch.arange(count)[:, None, None], :, rows, columns].permute(0, 3, 1, 2)
