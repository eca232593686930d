"""The files that ship with the package: the grammar, and the specs with their libraries."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """Return a path such as `path("grammar", "resspec.lark")`, which may not exist.

    It is beside this file in an installed package, one folder up in a checkout.
    """
    return _folder(parts[0]).joinpath(*parts[1:])


@cache
def _folder(name: str) -> Path:
    return (_PACKAGE if (_PACKAGE / name).is_dir() else _PACKAGE.parent) / name
