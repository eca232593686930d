"""What the trainer knows of a data set, whatever it is and wherever it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from resspec.training.data.crop import fits
from resspec.training.data.decode import UPRIGHT
from resspec.training.data.draw import Batch, Draw
from resspec.training.data.inspection import Inspection
from resspec.training.data.moments import Moments
from resspec.training.recipe import DataConfig, TestTransform

View = (
    DataConfig | TestTransform
)  # how images are shown: as a recipe says for training, or for testing


class Request(NamedTuple):
    """How a data set is to be read.

    Attributes:
        normalize: As a recipe's `data.normalize`.
        exif: As a recipe's `data.exif`.
        name: What the data set is called, where it was asked for by name and not by its folder.
    """

    normalize: str = "channel"
    exif: str = UPRIGHT
    name: str | None = None


class Split(Protocol):
    """A part of a data set."""

    @property
    def labels(self) -> Tensor:
        """The class of each image (int64, N)."""

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of what tells these images and labels from others."""

    def __len__(self) -> int: ...

    def batches(
        self, draws: Iterable[Draw], *, view: View, device: torch.device, workers: int = 0
    ) -> Iterator[Batch]:
        """A batch for each draw, in their order; the same on any device, with any number of workers."""

    def alike(self, indices: Tensor, view: TestTransform) -> list[Tensor]:
        """The indices in groups, each of which is shown in one size and so can stand in one batch."""

    def inspect(
        self, indices: Tensor, *, decode: bool, progress: Callable[[int], None] = lambda _: None
    ) -> Inspection:
        """Look at image files before they are needed; what was found is remembered from run to run.

        Args:
            indices: Which images (int64).
            decode: Decode them as a whole; else read their headers and look at how they end.
            progress: Called with the number of images that were just looked at.
        """


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set.

    Attributes:
        name: What it is called.
        classes: Their names, in the order of the labels.
        shape: CxHxW of an image as it is stored, with 0 for what differs from image to image.
        train: The images to train on.
        test: The images to test with.
        moments: What normalizing needs.
        notes: What a person should be told of how it was read, each in a sentence.
    """

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    train: Split
    test: Split
    moments: Moments
    notes: tuple[str, ...] = ()

    def shown(self, view: View) -> tuple[int, ...]:
        """CxHxW of an image in a batch, 0 as above. Raises UsageError where a crop is larger than the images."""
        channels, height, width = self.shape
        if isinstance(view, DataConfig) and view.random_resized_crop:
            return channels, view.random_resized_crop.size, view.random_resized_crop.size
        if isinstance(view.resize, int) and height:
            least = min(height, width)
            height, width = height * view.resize // least, width * view.resize // least
        if not view.crop:
            return channels, height, width
        if height and not isinstance(view.resize, tuple):
            border = 2 * (view.padding or view.shift) if isinstance(view, DataConfig) else 0
            fits(view.crop, view.crop, (height + border, width + border))
        return channels, view.crop, view.crop


def held_out(labels: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Indices of what is trained on and of what is kept apart: of each class the same share, spread evenly over its images as
    they are stored; what is left over of one class counts for the next. It depends on nothing else, so every run with this
    data set keeps the same images apart."""
    if not share:
        return torch.arange(len(labels)), torch.arange(0)
    part = Fraction(share).limit_denominator(10**9)  # exact: 0.29 of 100 is 29
    due = torch.arange(len(labels) + 1) * part.numerator // part.denominator
    apart = torch.zeros(len(labels), dtype=torch.bool)
    apart[labels.argsort(stable=True)] = due.diff() > 0
    return (~apart).nonzero()[:, 0], apart.nonzero()[:, 0]
