"""ImageNet, and any folder with train/ and val/, each with a folder of images for each class.

Workers decode, crop and resize, and send bytes of one size; all else happens a batch at a time on the device that trains.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from resspec.diagnostics import UsageError
from resspec.training.data import scan
from resspec.training.data import workers as workers_
from resspec.training.data.class_folders import check_classes, class_notes, match_classes
from resspec.training.data.crop import flipped
from resspec.training.data.dataset import Dataset, Request, View
from resspec.training.data.decode import UPRIGHT, UnreadableImage
from resspec.training.data.draw import Batch, Draw
from resspec.training.data.inspection import DamagedImage, Inspection, inspect_files
from resspec.training.data.moments import IMAGENET, Moments
from resspec.training.data.picture import shown_size
from resspec.training.data.show import shown
from resspec.training.data.wording import as_text, dataset_name
from resspec.training.names import IMAGENET as IMAGENET_NAME
from resspec.training.recipe import DataConfig, TestTransform

TRAIN, TEST = "train", ("val", "test")
_SYNSET = re.compile("n[0-9]{8}")  # as ImageNet names its classes


def is_here(folder: Path) -> bool:
    return (folder / TRAIN).is_dir() and any((folder / name).is_dir() for name in TEST)


def load(folder: Path, request: Request) -> Dataset:
    """Return the data set in a folder; its classes are the folders of `train/`, in the order of their names.

    Raises:
        UsageError: The folders cannot be read, or do not say which image is of which class.
    """
    train = folder / TRAIN
    test = next(folder / name for name in TEST if (folder / name).is_dir())
    to_train, to_test = scan.scan(train), scan.scan(test)
    classes = tuple(sorted(to_train.images))
    if not classes:
        raise UsageError(f"{train} has no folders: there must be one for each class", "E0513")
    tested = match_classes(to_test, to_train, classes)
    for part in (to_train, to_test):
        if not any(part.images.values()):
            raise UsageError(f"there is no image in {part.root}", "E0513")
    check_classes(to_train)
    moments = replace(IMAGENET, normalize=request.normalize)

    def split(part: scan.SplitFolder, by_class: list[list[str]]) -> InFolders:
        files = tuple(file for files in by_class for file in files)
        labels = torch.tensor([label for label, files in enumerate(by_class) for _ in files])
        return InFolders(part.root, files, labels, moments, len(classes), request.exif)

    names = tuple(map(as_text, classes))
    is_imagenet = len(classes) == 1000 and all(map(_SYNSET.fullmatch, classes))
    name = IMAGENET_NAME if is_imagenet else dataset_name(folder)
    return Dataset(
        name,
        names,
        (3, 0, 0),
        split(to_train, [to_train.images[name] for name in classes]),
        split(to_test, tested),
        moments,
        tuple(class_notes(to_train, to_test, tested)),
    )


def digest_of(files: Iterable[str], lengths: Iterable[int]) -> str:
    """Return the SHA-256 of the names of files and their lengths."""
    lines = (f"{name} {length}\n" for name, length in zip(files, lengths, strict=True))
    return sha256(os.fsencode("".join(lines))).hexdigest()


@dataclass(frozen=True, eq=False)
class InFolders:
    """A part of a data set: `files` are relative to the root."""

    root: Path
    files: tuple[str, ...]
    labels: Tensor
    moments: Moments
    classes: int
    exif: str = UPRIGHT
    _sizes: dict[int, tuple[int, int]] = field(
        default_factory=dict
    )  # height and width of each that was inspected

    def __len__(self) -> int:
        return len(self.files)

    def batches(
        self, draws: Iterable[Draw], *, view: View, device: torch.device, workers: int = 0
    ) -> Iterator[Batch]:
        """Raises UsageError for a file that is no image, and for a worker that died or is stuck."""
        files = workers_.Files(self.root, self.files, self.exif, view)
        with workers_.reading(files, draws, workers, pinned=device.type == "cuda") as found:
            for decoded, draw in found:
                images = decoded.to(device, non_blocking=True)
                labels = self.labels[draw.indices].to(device, non_blocking=True)
                if isinstance(view, DataConfig) and view.hflip:
                    images = flipped(images, draw.keys, view.hflip)
                yield shown(images, labels, draw.keys, view, self.moments, None, self.classes)

    def alike(self, indices: Tensor, view: TestTransform) -> list[Tensor]:
        if view.crop:
            return [indices]
        groups: dict[tuple[int, int], list[int]] = {}
        for index, stored in zip(indices.tolist(), self._stored_sizes(indices), strict=True):
            try:
                shown = shown_size(self.root / self.files[index], stored, view)
            except UnreadableImage as broken:
                raise UsageError(str(broken), "E0514") from None
            groups.setdefault(shown, []).append(index)
        return [torch.tensor(group) for _, group in sorted(groups.items())]

    def inspect(
        self, indices: Tensor, *, decode: bool, progress: Callable[[int], None] = lambda _: None
    ) -> Inspection:
        places = sorted(indices.tolist())
        names = [self.files[place] for place in places]
        looks = inspect_files(self.root, names, decode=decode, exif=self.exif, progress=progress)
        sizes: dict[tuple[int, int], Path] = {}
        damaged: list[DamagedImage] = []
        for place, look in zip(places, looks, strict=True):
            if isinstance(look, DamagedImage):
                damaged.append(look)
                continue
            if look not in sizes:
                sizes[look] = self.root / self.files[place]
            self._sizes[place] = look
        return Inspection(sizes, tuple(damaged))

    @property
    def digest(self) -> str:
        """Of names and lengths of the files: to read them all would take hours."""
        return self._digest

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Bytes of each file. Raises UsageError for one that is gone."""
        return tuple(map(self._length, self.files))

    @cached_property
    def _digest(self) -> str:
        return digest_of(self.files, self.lengths)

    def _length(self, name: str) -> int:
        try:
            return os.stat(f"{self.root}/{name}").st_size  # noqa: PTH116 (a Path takes three times as long)
        except OSError as error:
            raise UsageError(
                str(UnreadableImage(self.root / name, str(error.strerror))), "E0514"
            ) from None

    def _stored_sizes(self, indices: Tensor) -> list[tuple[int, int]]:
        """Height and width of these images; of those not inspected before, the headers are read. Raises UsageError."""
        new = [index for index in indices.tolist() if index not in self._sizes]
        if new:
            found = self.inspect(torch.tensor(new), decode=False)
            for path, why in found.damaged:
                raise UsageError(str(UnreadableImage(path, why)), "E0514")
        return [self._sizes[index] for index in indices.tolist()]
