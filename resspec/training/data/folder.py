"""ImageNet, and any folder with train/ and val/ and a folder of images for each class.

Workers decode, crop and resize images to bytes. Everything else happens in batches on the device.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from resspec.diagnostics import UsageError
from resspec.training.data.augment import augment
from resspec.training.data.batch import Batch, IndexBatch
from resspec.training.data.class_folders import check_classes, class_notes, match_classes
from resspec.training.data.crop import random_hflip
from resspec.training.data.dataset import Dataset, LoadOptions, Transform
from resspec.training.data.decode import UPRIGHT, UnreadableImage
from resspec.training.data.inspection import (
    DamagedImage,
    Inspection,
    Progress,
    Size,
    inspect_files,
)
from resspec.training.data.layout import parts
from resspec.training.data.pixel_stats import IMAGENET, IMAGENET_GRAY, PixelStats
from resspec.training.data.read_image import resized_test_size
from resspec.training.data.scan import SplitFolder
from resspec.training.data.wording import as_text, dataset_name
from resspec.training.data.workers import ImageFiles, read_batches
from resspec.training.names import IMAGENET as IMAGENET_NAME
from resspec.training.recipes.images import DataConfig, TestTransform

_SYNSET = re.compile("n[0-9]{8}")  # ImageNet's names of classes


def load(folder: Path, options: LoadOptions) -> Dataset:
    """Return the data set in a folder; its classes are the folders of training images, sorted.

    Raises:
        UsageError: The folders cannot be read, or do not define the class of each image.
    """
    train, test, how = parts(folder)
    classes = tuple(sorted(train.images))
    if not classes:
        raise UsageError(f"{train.root} has no folders: there must be one for each class", "E0513")
    tested = match_classes(test, train, classes)
    for part in (train, test):
        if not any(part.images.values()):
            raise UsageError(f"there is no image in {part.root}", "E0513")
    check_classes(train)
    usual = IMAGENET_GRAY if options.channels == 1 else IMAGENET
    stats = replace(usual, normalize=options.normalize)

    def split(part: SplitFolder, by_class: list[list[str]]) -> InFolders:
        files = tuple(file for files in by_class for file in files)
        labels = torch.tensor([label for label, files in enumerate(by_class) for _ in files])
        exif, channels = options.exif, options.channels
        return InFolders(part.root, files, labels, stats, len(classes), exif, channels)

    is_imagenet = len(classes) == 1000 and all(map(_SYNSET.fullmatch, classes))
    return Dataset(
        name=IMAGENET_NAME if is_imagenet else dataset_name(folder),
        classes=tuple(map(as_text, classes)),
        shape=(options.channels, 0, 0),
        train=split(train, [train.images[name] for name in classes]),
        test=split(test, tested),
        stats=stats,
        notes=(*class_notes(train, test, tested), *([how] if how else [])),
        folder=folder,
    )


def digest_of(files: Iterable[str], lengths: Iterable[int]) -> str:
    """Return the SHA-256 of the names and lengths of files."""
    lines = (f"{name} {length}\n" for name, length in zip(files, lengths, strict=True))
    return sha256(os.fsencode("".join(lines))).hexdigest()


@dataclass(frozen=True, eq=False)
class InFolders:
    """A split of a data set in files; `files` are relative to the root."""

    root: Path
    files: tuple[str, ...]
    labels: Tensor
    stats: PixelStats
    classes: int
    exif: str = UPRIGHT
    channels: int = 3
    _sizes: dict[int, Size] = field(default_factory=dict)  # of the images that were inspected

    def __len__(self) -> int:
        return len(self.files)

    def batches(
        self,
        sampler: Iterable[IndexBatch],
        *,
        transform: Transform,
        device: torch.device,
        workers: int = 0,
    ) -> Iterator[Batch]:
        """Yield a batch for each one from the sampler.

        Raises:
            UsageError: A file cannot be read, or a worker died or is stuck.
        """
        hflip = transform.hflip if isinstance(transform, DataConfig) else 0
        files = ImageFiles(self.root, self.files, self.exif, transform, self.channels)
        pinned = device.type == "cuda"
        decoded = read_batches(files, sampler, workers, pinned=pinned)
        with closing(decoded):
            for pixels, wanted in decoded:
                images = pixels.to(device, non_blocking=True)
                labels = self.labels[wanted.indices].to(device, non_blocking=True)
                if hflip:
                    images = random_hflip(images, wanted.keys, hflip)
                yield augment(
                    images, labels, wanted.keys, transform, self.stats, None, self.classes
                )

    def group_by_size(self, indices: Tensor, transform: TestTransform) -> list[Tensor]:
        """Return the indices in groups of images that have one size after the transforms."""
        if transform.crop:
            return [indices]
        groups: dict[Size, list[int]] = {}
        for index, stored in zip(indices.tolist(), self._stored_sizes(indices), strict=True):
            try:
                size = resized_test_size(self.root / self.files[index], stored, transform)
            except UnreadableImage as error:
                raise UsageError(str(error), "E0514") from None
            groups.setdefault(size, []).append(index)
        return [torch.tensor(group) for _, group in sorted(groups.items())]

    def inspect(
        self, indices: Tensor, *, decode: bool, progress: Progress = lambda _: None
    ) -> Inspection:
        """Inspect image files before they are needed; the results are cached between runs."""
        chosen = sorted(indices.tolist())
        names = [self.files[index] for index in chosen]
        results = inspect_files(self.root, names, decode=decode, exif=self.exif, progress=progress)
        sizes: dict[Size, Path] = {}
        damaged: list[DamagedImage] = []
        for index, result in zip(chosen, results, strict=True):
            if isinstance(result, DamagedImage):
                damaged.append(result)
                continue
            if result not in sizes:
                sizes[result] = self.root / self.files[index]
            self._sizes[index] = result
        return Inspection(sizes, tuple(damaged))

    @property
    def digest(self) -> str:
        """SHA-256 of the names and lengths of the files: reading them all would take hours."""
        return self._digest

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """The bytes of each file; a missing file raises a UsageError."""
        return tuple(map(self._length, self.files))

    @cached_property
    def _digest(self) -> str:
        return digest_of(self.files, self.lengths)

    def _length(self, name: str) -> int:
        try:
            return os.stat(f"{self.root}/{name}").st_size  # noqa: PTH116 (a Path is slow)
        except OSError as error:
            reason = UnreadableImage(self.root / name, str(error.strerror))
            raise UsageError(str(reason), "E0514") from None

    def _stored_sizes(self, indices: Tensor) -> list[Size]:
        """Return the sizes of images, and inspect those that were not inspected before."""
        new = [index for index in indices.tolist() if index not in self._sizes]
        if new:
            found = self.inspect(torch.tensor(new), decode=False)
            for path, why in found.damaged:
                raise UsageError(str(UnreadableImage(path, why)), "E0514")
        return [self._sizes[index] for index in indices.tolist()]
