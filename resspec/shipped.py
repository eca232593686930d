"""Where the files that come with the package lie: the grammar, and the specs with their libraries."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """`path("grammar", "resspec.lark")`, `path("specs")`: in an installed package beside this file, in a checkout one
    folder up. It may not exist."""
    folder = _PACKAGE if (_PACKAGE / parts[0]).is_dir() else _PACKAGE.parent
    return folder.joinpath(*parts)
