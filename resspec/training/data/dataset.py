"""The interface of a data set, wherever its images are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from resspec.training.data.batch import Batch, IndexBatch
from resspec.training.data.decode import UPRIGHT
from resspec.training.data.inspection import Inspection, Progress
from resspec.training.data.pixel_stats import PixelStats
from resspec.training.recipes.images import DataConfig, TestTransform

Transform = DataConfig | TestTransform  # of training images, or of test images


class LoadOptions(NamedTuple):
    """Options for reading a data set.

    Attributes:
        normalize: As a recipe's `data.normalize`.
        exif: As a recipe's `data.exif`.
        channels: The channels of images in files: 1 for grayscale, 3 for RGB.
        name: The name of the data set, where it was not given by its folder.
    """

    normalize: str = "channel"
    exif: str = UPRIGHT
    name: str | None = None
    channels: int = 3


class Split(Protocol):
    """The training or the test part of a data set."""

    @property
    def labels(self) -> Tensor:
        """The class of each image (int64, N)."""

    @property
    def digest(self) -> str:
        """A SHA-256 that identifies the images and labels, in hexadecimal."""

    def __len__(self) -> int: ...

    def batches(
        self,
        sampler: Iterable[IndexBatch],
        *,
        transform: Transform,
        device: torch.device,
        workers: int = 0,
    ) -> Iterator[Batch]:
        """Yield a batch for each one from the sampler.

        Batches do not depend on the device or the number of workers.

        Args:
            sampler: Which images to read, with which keys.
            transform: The transforms of the images.
            device: Where batches are needed.
            workers: How many processes read images; 0 reads them in this process.
        """

    def group_by_size(self, indices: Tensor, transform: TestTransform) -> list[Tensor]:
        """Return the indices in groups of images that have one size after the transforms."""

    def inspect(
        self, indices: Tensor, *, decode: bool, progress: Progress = lambda _: None
    ) -> Inspection:
        """Inspect image files before they are needed; the results are cached between runs.

        Args:
            indices: Which images (int64).
            decode: Decode them; otherwise read their headers and their ends.
            progress: Called with the number of images that were just inspected.
        """


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set.

    Attributes:
        name: Its name.
        classes: The names of the classes, in the order of the labels.
        shape: The stored CxHxW, with 0 for sides that differ from image to image.
        train: The training images.
        test: The test images.
        stats: The statistics to normalize with.
        notes: Sentences on what was noticed while reading it.
        folder: The folder of its images, where they are files.
    """

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    train: Split
    test: Split
    stats: PixelStats
    notes: tuple[str, ...] = ()
    folder: Path | None = None


def held_out(labels: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Return the indices of the images to train on, and of those that are held out.

    The same share of each class is held out, spread evenly over its images in their stored order.
    Remainders of one class count for the next. Every run with this data set holds out the same.

    Args:
        labels: The classes of the images (int64, N).
        share: The share to hold out, from 0 to 1.
    """
    if not share:
        return torch.arange(len(labels)), torch.arange(0)
    part = Fraction(share).limit_denominator(10**9)  # exact: 0.29 of 100 is 29
    due = torch.arange(len(labels) + 1) * part.numerator // part.denominator
    is_held_out = torch.zeros(len(labels), dtype=torch.bool)
    is_held_out[labels.argsort(stable=True)] = due.diff() > 0
    return (~is_held_out).nonzero()[:, 0], is_held_out.nonzero()[:, 0]
