"""Find data sets: by name in the usual places, or by what a folder contains."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from resspec.diagnostics import UsageError
from resspec.home import cache_folder
from resspec.suggest import nearest
from resspec.training.data import cifar, folder, idx, layout, not_found
from resspec.training.data.dataset import Dataset, LoadOptions
from resspec.training.names import CIFAR_10, CIFAR_100, DATA, FASHION_MNIST, IMAGENET


class Format(NamedTuple):
    """A known data set, or any other with the same files.

    Attributes:
        folders: Where it is below each of the search paths.
        is_here: Whether a folder contains it.
        load: Loads it from that folder.
        elsewhere: Other folders that may contain it.
        advice: How to get it.
        torchvision: The class of torchvision that downloads it.
    """

    folders: tuple[str, ...]
    is_here: Callable[[Path], bool]
    load: Callable[[Path, LoadOptions], Dataset]
    elsewhere: tuple[str, ...] = ()
    advice: str = ""
    torchvision: str | None = None


def _cifar(layout: cifar.CifarFiles, torchvision: str) -> Format:
    folders = (layout.folder, f"{layout.name}/{layout.folder}")
    is_here = partial(cifar.is_here, layout=layout)
    return Format(folders, is_here, partial(cifar.load, layout=layout), torchvision=torchvision)


FORMATS = {
    FASHION_MNIST: Format(
        ("FashionMNIST/raw", "fashion-mnist"),
        idx.is_here,
        idx.load,
        elsewhere=("/usr/share/datasets/fashion-mnist",),
        advice="\nto install it: apt-get install dataset-fashion-mnist",
        torchvision="FashionMNIST",
    ),
    CIFAR_10: _cifar(cifar.TEN, "CIFAR10"),
    CIFAR_100: _cifar(cifar.HUNDRED, "CIFAR100"),
    IMAGENET: Format(
        ("imagenet", "ILSVRC2012"),
        layout.is_here,
        folder.load,
        advice=(
            "\npass the path of a folder with train/ and val/, each with a folder for each class"
        ),
    ),
}


def find(name: str, *, download: bool = False) -> tuple[Format, Path]:
    """Return the format of a data set and its folder, without reading an image.

    Args:
        name: The name of a data set, except `digits`, which need no folder; or a folder.
        download: Download it if it is not on this machine.

    Raises:
        UsageError: There is no such data set, or it was not found.
    """
    path = Path(name)
    with naming_unreadable(path):
        if name in FORMATS:
            return FORMATS[name], _find_named(name, download=download)
        if name and path.is_dir():
            return _recognize(path)
        if name and path.exists():
            advice = "extract an archive first, and pass the folder"
            raise UsageError(f"{name} is not a folder; {advice}", "E0511")

    close = nearest(name, DATA)
    known = f"there is {', '.join(DATA)}, or a folder's path"
    hint = f"did you mean `{close}`?" if close else known
    raise UsageError(f"no data set is called `{name}`; {hint}", "E0511")


@contextmanager
def naming_unreadable(path: Path) -> Iterator[None]:
    """Turn an OSError into a UsageError that names the file or folder."""
    try:
        yield
    except OSError as error:
        where = Path(error.filename or path)
        closed = (parent for parent in reversed(where.parents) if not os.access(parent, os.X_OK))
        why = error.strerror or error
        raise UsageError(f"{next(closed, where)} cannot be read: {why}", "E0519") from None


def search_paths() -> list[Path]:
    """Return the folders in which data sets are looked for; downloads go to the first."""
    given = os.environ.get("RESSPEC_DATA")
    paths = (Path(given) if given else None, Path("data"), cache_folder())
    return [path for path in paths if path]


def _find_named(name: str, *, download: bool) -> Path:
    known = FORMATS[name]
    folders = [path / part for path in search_paths() for part in known.folders]
    folders += map(Path, known.elsewhere)
    for path in folders:
        if known.is_here(path):
            return path

    if download and known.torchvision:
        _download(known.torchvision, search_paths()[0])
        return _find_named(name, download=False)
    searched = "".join(f"\n  {path}" for path in folders)
    why = f"the data set `{name}` was not found in any of these places:{searched}{known.advice}"
    raise UsageError(why, "E0512", "download" if known.torchvision else None)


def _recognize(path: Path) -> tuple[Format, Path]:
    for known in FORMATS.values():
        for candidate in (path, *(path / part for part in known.folders)):
            if known.is_here(candidate):
                return known, candidate
    if layout.is_unsplit(path) and not not_found.is_part(path):
        return FORMATS[IMAGENET], path
    raise UsageError(not_found.describe(path), "E0513")


def _download(name: str, to: Path) -> None:
    from torchvision import datasets

    try:
        getattr(datasets, name)(to, download=True)
    except Exception as error:  # noqa: BLE001 (the network, an archive or the disk may fail)
        raise UsageError(f"{name} cannot be downloaded to {to}: {error}", "E0516") from None
