"""The images to train on and to test with: by the name of a data set, or by the folder that holds one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from resspec.diagnostics import UsageError
from resspec.suggest import nearest
from resspec.training.data import digits, place
from resspec.training.data.dataset import Dataset, Request, Split, View, held_out
from resspec.training.data.draw import Batch, Draw
from resspec.training.data.inspect import DamagedImage, Inspection
from resspec.training.data.moments import Moments
from resspec.training.data.workers import worker_failure
from resspec.training.names import DATA, DIGITS

__all__ = [
    "Batch",
    "DamagedImage",
    "Dataset",
    "Draw",
    "Inspection",
    "Moments",
    "Split",
    "View",
    "find",
    "held_out",
    "load",
    "worker_failure",
]


def load(
    name: str, *, normalise: str = "channel", exif: str = "upright", download: bool = False
) -> Dataset:
    """Return a data set.

    Args:
        name: Its name, or the path of its folder.
        normalise: As a recipe's `data.normalise`.
        exif: As a recipe's `data.exif`: whether photographs are turned upright, for training and test alike.
        download: Fetch it where it is not on this machine.

    Raises:
        UsageError: It is not found, with where it was looked for; or it is damaged.
    """
    request = Request(normalise, exif, name if name in DATA else None)
    if name == DIGITS:
        return digits.load(request)
    kind, path = find(name, download=download)
    with _unreadable(path):
        found = kind.load(path, request)
    if len(found.classes) == 1:
        one = f"all images belong to one class, `{found.classes[0]}`; training needs at least two"
        found = replace(found, notes=(*found.notes, one))
    return found


def find(name: str, *, download: bool = False) -> tuple[place.Kind, Path]:
    """Return what kind of data set it is and where it lies, without reading an image; the digits lie nowhere.

    Raises:
        UsageError: As `load`.
    """
    path = Path(name)
    with _unreadable(path):
        if name in place.KINDS:
            return place.KINDS[name], place.named(name, download=download)
        if name and path.is_dir():
            return place.at(path)
        if name and path.exists():
            raise UsageError(
                f"{name} is not a folder; extract an archive first, and pass the folder", "E0511"
            )
    close = nearest(name, DATA)
    hint = (
        f"did you mean `{close}`?" if close else f"there is {', '.join(DATA)}, or a folder's path"
    )
    raise UsageError(f"no data set is called `{name}`; {hint}", "E0511")


@contextmanager
def _unreadable(path: Path) -> Iterator[None]:
    """Turn what the system says of a file or folder into a UsageError that names it."""
    try:
        yield
    except OSError as error:
        where = Path(error.filename or path)
        closed = (parent for parent in reversed(where.parents) if not os.access(parent, os.X_OK))
        raise UsageError(
            f"{next(closed, where)} cannot be read: {error.strerror or error}", "E0519"
        ) from None
