"""Where the files that come with the package lie: the grammar, and the specs with their libraries."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """`path("grammar", "resspec.lark")`, `path("specs")`: in an installed package beside this file, in a checkout one
    folder up. It may not exist."""
    return _folder(parts[0]).joinpath(*parts[1:])


@cache
def _folder(name: str) -> Path:
    return (_PACKAGE if (_PACKAGE / name).is_dir() else _PACKAGE.parent) / name
