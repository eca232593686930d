"""ImageNet, and any folder with train/ and val/, each with a folder of images for each class.

Workers decode, crop and resize, and send bytes of one size; all else happens a batch at a time on the device that trains.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as Indexed

from resspec.diagnostics import UsageError
from resspec.train.data.crop import flipped
from resspec.train.data.dataset import Dataset, View
from resspec.train.data.draw import Batch, Draw
from resspec.train.data.moments import IMAGENET, Moments
from resspec.train.data.picture import BrokenPicture, picture, shown_size
from resspec.train.data.show import shown
from resspec.train.recipe import Data, Test

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
TRAIN, TEST = "train", ("val", "test")
PATIENCE = 30  # seconds without a batch, after which a worker is taken for stuck


def is_here(folder: Path) -> bool:
    return (folder / TRAIN).is_dir() and any((folder / name).is_dir() for name in TEST)


def load(folder: Path, normalise: str) -> Dataset:
    """Classes are the folders of train/, in the order of their names. Raises UsageError."""
    train, test = folder / TRAIN, next(folder / name for name in TEST if (folder / name).is_dir())
    classes = _subfolders(train)
    if not classes:
        raise UsageError(f"{train} has no folders: there must be one for each class")
    if strange := [name for name in _subfolders(test) if name not in classes]:
        raise UsageError(f"{test} has a folder `{strange[0]}`, {train} has none: they are not of one data set")
    moments = replace(IMAGENET, normalise=normalise)

    def part(root: Path) -> InFolders:
        return InFolders(root, *_images(root, classes), moments, len(classes))

    return Dataset(folder.resolve().name, classes, (3, 0, 0), part(train), part(test), moments)


@dataclass(frozen=True, eq=False)
class InFolders:
    """A part of a data set: `files` are relative to the root."""

    root: Path
    files: tuple[str, ...]
    labels: Tensor
    moments: Moments
    classes: int

    def __len__(self) -> int:
        return len(self.files)

    def batches(self, draws: Iterable[Draw], *, view: View, device: torch.device, workers: int = 0) -> Iterator[Batch]:
        """Raises UsageError for a file that is no image, and for a worker that died or is stuck."""
        loader = DataLoader(
            _Decoded(self.root, self.files, view), batch_size=None, sampler=_Drawn(draws), num_workers=workers,
            pin_memory=device.type == "cuda", timeout=PATIENCE if workers else 0,
        )
        try:
            for decoded, draw in loader:
                images = decoded.to(device, non_blocking=True)
                labels = self.labels[draw.indices].to(device, non_blocking=True)
                if isinstance(view, Data) and view.flip:
                    images = flipped(images, draw.keys)
                yield shown(images, labels, draw.keys, view, self.moments, None, self.classes)
        except BrokenPicture as broken:
            raise UsageError(str(broken)) from None
        except RuntimeError as error:
            if "DataLoader" not in str(error):
                raise
            raise UsageError(f"a process that reads images failed: {error}") from None

    def alike(self, indices: Tensor, view: Test) -> list[Tensor]:
        if view.crop:
            return [indices]
        groups: dict[tuple[int, int], list[int]] = {}
        for index in indices.tolist():
            groups.setdefault(shown_size(self.root / self.files[index], view), []).append(index)
        return [torch.tensor(group) for _, group in sorted(groups.items())]

    @cached_property
    def digest(self) -> str:
        """Of names and lengths of the files: to read them all would take hours."""
        lines = (f"{name} {(self.root / name).stat().st_size}\n" for name in self.files)
        return sha256("".join(lines).encode()).hexdigest()


class _Drawn:
    """Draws as a loader wants them: it takes them one by one, as it needs them."""

    def __init__(self, draws: Iterable[Draw]) -> None:
        self._draws = draws

    def __iter__(self) -> Iterator[Draw]:
        return iter(self._draws)


class _Decoded(Indexed[tuple[Tensor, Draw]]):
    """What a worker makes of a draw: uint8, BxCxHxW."""

    def __init__(self, root: Path, files: tuple[str, ...], view: View) -> None:
        self._root, self._files, self._view = root, files, view

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Draw]:
        pictures = [picture(self._root / self._files[int(index)], key, self._view)
                    for index, key in zip(draw.indices, draw.keys.split(1), strict=True)]
        return torch.stack(pictures), draw


def _subfolders(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()))


def _images(part: Path, classes: tuple[str, ...]) -> tuple[tuple[str, ...], Tensor]:
    """Paths from the part's own folder, class after class, and labels."""
    files: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        if not (part / name).is_dir():
            continue
        here = sorted(path.relative_to(part).as_posix() for path in (part / name).rglob("*") if path.suffix.lower() in ENDINGS)
        files += here
        labels += [label] * len(here)
    if not files:
        raise UsageError(f"there is no image in {part}")
    return tuple(files), torch.tensor(labels)
