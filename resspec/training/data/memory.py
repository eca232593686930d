"""Data sets that fit in memory: bytes on the device, augmented a whole batch at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from resspec.training.data.augment import augment
from resspec.training.data.batch import Batch, IndexBatch
from resspec.training.data.crop import crop_test_images, crop_training_images, keeps_pixels
from resspec.training.data.dataset import Dataset, Transform
from resspec.training.data.inspection import Inspection, Progress
from resspec.training.data.labels import without_images
from resspec.training.data.pixel_stats import PixelStats, measure
from resspec.training.data.wording import counted, listed
from resspec.training.recipes.images import DataConfig, TestTransform

AHEAD = 8  # batches that are cropped at once, where that cannot change a bit of them


class ImageArrays(NamedTuple):
    """The images of a split.

    Attributes:
        images: uint8, NxCxHxW.
        labels: int64, N.
        original: The index of each image in the published data set, if it differs.
    """

    images: Tensor
    labels: Tensor
    original: Tensor | None = None


def in_memory(
    name: str, classes: tuple[str, ...], train: ImageArrays, test: ImageArrays, normalize: str
) -> Dataset:
    """Return a data set of arrays.

    Args:
        name: Its name.
        classes: The names of the classes.
        train: The training images.
        test: The test images.
        normalize: As a recipe's `data.normalize`.
    """
    stats = replace(measure(train.images), normalize=normalize)

    def split(part: ImageArrays) -> InMemory:
        original = torch.arange(len(part.labels)) if part.original is None else part.original
        return InMemory(part.images, part.labels, stats, len(classes), original)

    shape = tuple(train.images.shape[1:])
    notes = tuple(_notes(classes, train, test))
    return Dataset(name, classes, shape, split(train), split(test), stats, notes)


def _notes(classes: tuple[str, ...], train: ImageArrays, test: ImageArrays) -> Iterator[str]:
    for kind, part in (("training", train), ("test", test)):
        if unused := without_images(part.labels, classes):
            count = counted(len(unused), "class", "classes")
            yield f"no {kind} images of {count} ({listed(unused)})"

    channels = train.images.unbind(1)
    constant = sum(bool(channel.min() == channel.max()) for channel in channels)
    if constant:
        all_of = constant == len(channels)
        which = "all channels" if all_of else f"{constant} of {len(channels)} channels"
        yield f"{which} of the training images are constant: there is nothing to learn from them"


@dataclass(frozen=True, eq=False)
class InMemory:
    """A split of a data set in memory."""

    images: Tensor
    labels: Tensor
    stats: PixelStats
    classes: int
    original: Tensor
    _on_device: dict[torch.device, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(
        self,
        sampler: Iterable[IndexBatch],
        *,
        transform: Transform,
        device: torch.device,
        workers: int = 0,
    ) -> Iterator[Batch]:
        """Yield a batch for each one from the sampler; workers are not needed."""
        del workers
        if device not in self._on_device:
            self._on_device[device] = self.images.to(device), self.labels.to(device)
        images, labels = self._on_device[device]

        remaining = iter(sampler)
        ahead = AHEAD if keeps_pixels(transform) else 1
        while wanted := list(islice(remaining, ahead)):
            indices, keys = (torch.cat(column) for column in zip(*wanted, strict=True))
            indices = indices.to(device, non_blocking=True)
            sizes = [len(part.keys) for part in wanted]
            cropped = _cropped(images[indices], keys, transform).split(sizes)
            chosen = labels[indices].split(sizes)
            means: Iterable[Tensor | None] = [None] * len(wanted)
            if self.stats.normalize == "pixel-mean":
                means = self._means(keys, transform, device).split(sizes)
            for part, pixels, its_labels, its_means in zip(
                wanted, cropped, chosen, means, strict=True
            ):
                yield augment(
                    pixels, its_labels, part.keys, transform, self.stats, its_means, self.classes
                )

    def inspect(
        self, indices: Tensor, *, decode: bool, progress: Progress = lambda _: None
    ) -> Inspection:
        """Return the one size of all images."""
        del decode
        progress(len(indices))
        height, width = self.images.shape[2:]
        return Inspection({(height, width): Path()}, ())

    def group_by_size(self, indices: Tensor, transform: TestTransform) -> list[Tensor]:
        """Return one group, since all images have one size."""
        del transform
        return [indices]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all pixels and labels."""
        content = self.images.numpy().tobytes() + self.labels.numpy().tobytes()
        return sha256(content).hexdigest()

    def _means(self, keys: Tensor, transform: Transform, device: torch.device) -> Tensor:
        """Return the mean of each pixel, moved as its image; 0 in a border, as in the image."""
        means = self.stats.mean_image.to(device).expand(len(keys), -1, -1, -1)
        return _cropped(means, keys, transform)


def _cropped(images: Tensor, keys: Tensor, transform: Transform) -> Tensor:
    if isinstance(transform, DataConfig):
        return crop_training_images(images, keys, transform)
    return crop_test_images(images, transform)
