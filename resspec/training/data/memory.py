"""Sets that fit in memory: stored as bytes on the device that trains, and shown a whole batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from resspec.training.data.crop import centred, cropped, moves_only
from resspec.training.data.dataset import Dataset, View
from resspec.training.data.draw import Batch, Draw
from resspec.training.data.inspection import Inspection
from resspec.training.data.labels import without_images
from resspec.training.data.moments import Moments, measured
from resspec.training.data.show import shown
from resspec.training.data.wording import counted, listed
from resspec.training.recipe import DataConfig, TestTransform

AHEAD = 8  # batches that are framed at once, where that cannot change a bit of what each holds


class Stored(NamedTuple):
    """Images (uint8, NxCxHxW) and labels (int64, N) of a part; `original`, where it differs, is each image's index in the data
    set as it is published."""

    images: Tensor
    labels: Tensor
    original: Tensor | None = None


def in_memory(
    name: str, classes: tuple[str, ...], train: Stored, test: Stored, normalize: str
) -> Dataset:
    moments = replace(measured(train.images), normalize=normalize)

    def part(stored: Stored) -> InMemory:
        original = torch.arange(len(stored.labels)) if stored.original is None else stored.original
        return InMemory(stored.images, stored.labels, moments, len(classes), original)

    notes = tuple(_notes(classes, train, test))
    return Dataset(
        name, classes, tuple(train.images.shape[1:]), part(train), part(test), moments, notes
    )


def _notes(classes: tuple[str, ...], train: Stored, test: Stored) -> Iterator[str]:
    """What a person should know of these images, in sentences."""
    for what, stored in (("training", train), ("test", test)):
        if unseen := without_images(stored.labels, classes):
            yield f"no {what} images of {counted(len(unseen), 'class', 'classes')} ({listed(unseen)})"
    flat = [channel for channel in train.images.unbind(1) if channel.min() == channel.max()]
    if flat:
        channels = train.images.shape[1]
        which = "all channels" if len(flat) == channels else f"{len(flat)} of {channels} channels"
        yield f"{which} of the training images are constant: there is nothing to learn from them"


@dataclass(frozen=True, eq=False)
class InMemory:
    """A part of a data set."""

    images: Tensor
    labels: Tensor
    moments: Moments
    classes: int
    original: Tensor
    _resident: dict[torch.device, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(
        self, draws: Iterable[Draw], *, view: View, device: torch.device, workers: int = 0
    ) -> Iterator[Batch]:
        del workers
        images, labels = self._on(device)
        remaining = iter(draws)
        while some := list(islice(remaining, AHEAD if moves_only(view) else 1)):
            sizes = [len(draw.keys) for draw in some]
            indices, keys = (torch.cat(column) for column in zip(*some, strict=True))
            here = indices.to(device, non_blocking=True)
            framed = _framed(images[here], keys, view).split(sizes)
            means: Iterable[Tensor | None] = [None] * len(some)
            if self.moments.normalize == "pixel-mean":
                means = self._means(images, keys, view).split(sizes)
            for draw, part, its_labels, its_means in zip(
                some, framed, labels[here].split(sizes), means, strict=True
            ):
                yield shown(
                    part, its_labels, draw.keys, view, self.moments, its_means, self.classes
                )

    def inspect(
        self, indices: Tensor, *, decode: bool, progress: Callable[[int], None] = lambda _: None
    ) -> Inspection:
        del decode
        progress(len(indices))
        height, width = self.images.shape[2:]
        return Inspection({(height, width): Path()}, ())

    def alike(self, indices: Tensor, view: TestTransform) -> list[Tensor]:
        del view
        return [indices]

    @cached_property
    def digest(self) -> str:
        return sha256(self.images.numpy().tobytes() + self.labels.numpy().tobytes()).hexdigest()

    def _on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        if device not in self._resident:
            self._resident[device] = self.images.to(device), self.labels.to(device)
        return self._resident[device]

    def _means(self, images: Tensor, keys: Tensor, view: View) -> Tensor:
        """Each pixel's mean where its image has that pixel; nothing in a border, which is added to images without it."""
        return _framed(
            self.moments.pixels.to(images.device).expand(len(keys), -1, -1, -1), keys, view
        )


def _framed(images: Tensor, keys: Tensor, view: View) -> Tensor:
    return cropped(images, keys, view) if isinstance(view, DataConfig) else centred(images, view)
