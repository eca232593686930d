"""Where data sets lie: looked for by name, and recognised in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from resspec.diagnostics import UsageError
from resspec.home import cache_folder
from resspec.training.data import cifar, folder, idx, not_found
from resspec.training.data.dataset import Dataset, Request
from resspec.training.names import FASHION_MNIST, IMAGENET


class Kind(NamedTuple):
    """A data set that is looked for: in `folders` below each place, or wherever else it is known to lie."""

    folders: tuple[str, ...]
    is_here: Callable[[Path], bool]
    load: Callable[[Path, Request], Dataset]
    elsewhere: tuple[str, ...] = ()
    advice: str = ""
    torchvision: str | None = None  # its class that downloads


KINDS: dict[str, Kind] = {
    FASHION_MNIST: Kind(
        ("FashionMNIST/raw", "fashion-mnist"),
        idx.is_here,
        idx.load,
        ("/usr/share/datasets/fashion-mnist",),
        "\nto install it: apt-get install dataset-fashion-mnist",
        "FashionMNIST",
    ),
    **{
        layout.name: Kind(
            (layout.folder, f"{layout.name}/{layout.folder}"),
            partial(cifar.is_here, layout=layout),
            partial(cifar.load, layout=layout),
            torchvision=name,
        )
        for layout, name in ((cifar.TEN, "CIFAR10"), (cifar.HUNDRED, "CIFAR100"))
    },
    IMAGENET: Kind(
        ("imagenet", "ILSVRC2012"),
        folder.is_here,
        folder.load,
        advice="\npass the path of a folder with train/ and val/, each with a folder for each class",
    ),
}


def places() -> list[Path]:
    """Folders of data sets: $RESSPEC_DATA, `data` here, the user's cache. The first is where a download goes."""
    given = os.environ.get("RESSPEC_DATA")
    own = cache_folder()
    return [*([Path(given)] if given else []), Path("data"), *([own] if own else [])]


def named(name: str, *, download: bool) -> Path:
    """Raises UsageError where it is not found, with all places that were looked at."""
    kind = KINDS[name]
    folders = [
        *(place / part for place in places() for part in kind.folders),
        *map(Path, kind.elsewhere),
    ]
    for path in folders:
        if kind.is_here(path):
            return path
    if download and kind.torchvision:
        _download(kind.torchvision, places()[0])
        return named(name, download=False)
    looked = "".join(f"\n  {path}" for path in folders)
    remedy = "download" if kind.torchvision else None
    raise UsageError(
        f"the data set `{name}` was not found in any of these places:{looked}{kind.advice}",
        "E0512",
        remedy,
    )


def at(path: Path) -> tuple[Kind, Path]:
    """What a folder holds, and where in it. Raises UsageError where that is no data set."""
    for kind in KINDS.values():
        for candidate in (path, *(path / part for part in kind.folders)):
            if kind.is_here(candidate):
                return kind, candidate
    raise UsageError(not_found.describe(path), "E0513")


def _download(name: str, to: Path) -> None:
    from torchvision import datasets

    try:
        getattr(datasets, name)(to, download=True)
    except Exception as error:  # noqa: BLE001 (of networks, archives and disks)
        raise UsageError(f"{name} cannot be downloaded to {to}: {error}", "E0516") from None
