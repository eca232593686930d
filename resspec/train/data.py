"""The images to train on, their fixed split, and the order in which an epoch sees them.

The order is stateless: a permutation is a function of (seed, epoch), an image's shift of (seed, epoch, image).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from numpy.random import SeedSequence
from torch import Tensor
from torch.nn.functional import pad

from resspec.diagnostics import UsageError
from resspec.suggest import nearest

TEST_EVERY = 5


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images as stored, NxCxHxW in uint8, their labels in 0 .. classes - 1, and the indices of the two parts."""

    name: str
    images: Tensor
    labels: Tensor
    classes: int
    train: Tensor
    test: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """CxHxW of one image."""
        return tuple(self.images.shape[1:])

    @cached_property
    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of the training part's pixels."""
        pixels = self.images[self.train].double()
        return pixels.mean().item(), pixels.std(correction=0).item()

    def normalized(self, images: Tensor) -> Tensor:
        """In float32, as the network reads them."""
        mean, deviation = self.moments
        return (images.float() - mean) / deviation


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
    return Dataset("digits", images, labels, 10, *stratified(labels))


DATASETS: dict[str, Callable[[], Dataset]] = {"digits": digits}


def stratified(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the training and the test part: of each class, every fifth image is for the test."""
    test = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        test[(labels == label).nonzero().flatten()[TEST_EVERY - 1 :: TEST_EVERY]] = True
    return (~test).nonzero().flatten(), test.nonzero().flatten()


def epoch(data: Dataset, *, seed: int, number: int, batch: int, shift: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The training part once, in an order of its own, every image moved by up to `shift` pixels: batches of images
    (uint8, BxCxHxW) and labels (B)."""
    draw = torch.Generator().manual_seed(int(SeedSequence([seed, number]).generate_state(1)[0]))
    moves = torch.randint(0, 2 * shift + 1, (2, len(data.labels)), generator=draw)
    order = data.train[torch.randperm(len(data.train), generator=draw)]
    for chosen in order.split(batch):
        yield shifted(data.images[chosen], moves[:, chosen], shift), data.labels[chosen]


def shifted(images: Tensor, moves: Tensor, reach: int) -> Tensor:
    """Each image cut out of itself with a border of `reach` zeros, at the row and column of its move (2xB, 0 .. 2 * reach)."""
    count, _, height, width = images.shape
    bordered = pad(images, (reach, reach, reach, reach))
    rows = moves[0, :, None, None] + torch.arange(height)[:, None]
    columns = moves[1, :, None, None] + torch.arange(width)
    return bordered[torch.arange(count)[:, None, None], :, rows, columns].permute(0, 3, 1, 2)
