"""The files that a spec uses: where they are looked for, and the libraries that are shipped."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from resspec import files, shipped
from resspec.diagnostics import SpecError
from resspec.lowering import name_errors
from resspec.suggest import alike
from resspec.syntax import ast
from resspec.syntax.parse import ENOUGH
from resspec.texts import Texts, shown

_DECLARATION = re.compile(r"^(?:block|shortcut|network) (\w+)", re.MULTILINE)


def find_used(use: ast.UseDecl, beside: Path, root: Callable[[], str], texts: Texts) -> Path:
    """A library by name: beside its user, else shipped. A file: beside its user, never outside the
    root.
    """
    name, libraries = use.target.text, shipped.path("specs", "lib")
    places = candidates(name, beside, is_file=use.is_file)
    for path in places:
        is_there = texts.is_file(path)
        if (
            (is_there or use.is_file)
            and not is_within(path, _real_path(libraries))
            and not is_within(path, root())
        ):
            raise SpecError([name_errors.outside_root(use.target.span, root())])
        if is_there:
            return path
    if use.is_file:
        known = {
            (Path(name).parent / path.name).as_posix() for path in places[0].parent.glob("*.res")
        }
    else:
        known = {path.stem for folder in (beside, libraries) for path in folder.glob("*.res")}
    raise SpecError(
        [
            name_errors.no_library(
                use.target.span, [shown(path) for path in places], alike(name, known)
            )
        ]
    )


def find_base(
    name: ast.Identifier, beside: Path, root: Callable[[], str], texts: Texts
) -> Path | None:
    """Return the spec that a network is derived from: beside its user, else shipped, which the
    last part of its name is enough for where no other has it.

    None if a plain name leads nowhere; a path that leads nowhere is an error.
    """
    folder = shipped.path("specs")
    places = base_candidates(name.text, beside)
    for path in places:
        if texts.is_file(path):
            if not is_within(path, _real_path(folder)) and not is_within(path, root()):
                raise SpecError([name_errors.outside_root(name.span, root())])
            return path
    if "/" not in name.text:
        called_so = [
            path for path in folder.glob(f"*/{name.text}.res") if path.parent.name != "lib"
        ]
        return called_so[0] if len(called_so) == 1 else None
    known = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.res")}
    looked = [shown(path) for path in places]
    raise SpecError([name_errors.no_spec(name.span, looked, alike(name.text, known))])


def base_candidates(name: str, beside: Path) -> list[Path]:
    """Return where the spec of a base is looked for, in this order."""
    return [beside / f"{name}.res", shipped.path("specs", f"{name}.res")]


def declaring(name: str) -> list[str]:
    """Return the shipped libraries that declare a name."""
    return [library for library, names in _shipped_libraries().items() if name in names]


@cache
def _shipped_libraries() -> dict[str, frozenset[str]]:
    texts = {
        path.stem: files.read(path, ENOUGH).decode()
        for path in sorted(shipped.path("specs", "lib").glob("*.res"))
    }
    return {name: frozenset(_DECLARATION.findall(text)) for name, text in texts.items()}


def candidates(name: str, beside: Path, *, is_file: bool) -> list[Path]:
    """Return where `use "FILE"` and `use NAME` look, in this order."""
    return (
        [beside / name]
        if is_file
        else [beside / f"{name}.res", shipped.path("specs", "lib", f"{name}.res")]
    )


def is_within(path: Path, folder: str) -> bool:
    """Return whether it lies in a folder whose links are followed already."""
    return Path(os.path.realpath(path)).is_relative_to(folder)


@cache
def _real_path(shipped_folder: Path) -> str:
    return os.path.realpath(shipped_folder)
