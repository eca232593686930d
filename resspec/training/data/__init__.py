"""Data sets to train on and to test with, by name or by folder."""

from __future__ import annotations

from dataclasses import replace

from resspec.training.data import digits
from resspec.training.data.batch import Batch, IndexBatch
from resspec.training.data.dataset import Dataset, LoadOptions, Split, Transform, held_out
from resspec.training.data.inspection import DamagedImage, Inspection
from resspec.training.data.locate import find, naming_unreadable
from resspec.training.data.pixel_stats import PixelStats
from resspec.training.data.workers import worker_failure
from resspec.training.names import DATA, DIGITS

__all__ = [
    "Batch",
    "DamagedImage",
    "Dataset",
    "IndexBatch",
    "Inspection",
    "PixelStats",
    "Split",
    "Transform",
    "find",
    "held_out",
    "load",
    "worker_failure",
]


def load(
    name: str,
    *,
    normalize: str = "channel",
    exif: str = "upright",
    channels: int = 3,
    download: bool = False,
) -> Dataset:
    """Return a data set.

    Args:
        name: Its name, or the path of its folder.
        normalize: As a recipe's `data.normalize`.
        exif: As a recipe's `data.exif`.
        channels: The channels of the network: images in files are read as grayscale for 1, else as
            RGB.
        download: Download it if it is not on this machine.

    Raises:
        UsageError: It is not found, with the places that were searched; or it is damaged.
    """
    read_as = 1 if channels == 1 else 3
    options = LoadOptions(normalize, exif, name if name in DATA else None, read_as)
    if name == DIGITS:
        return digits.load(options)
    known, path = find(name, download=download)
    with naming_unreadable(path):
        found = known.load(path, options)
    if len(found.classes) == 1:
        one = f"all images belong to one class, `{found.classes[0]}`; training needs at least two"
        found = replace(found, notes=(*found.notes, one))
    return found
