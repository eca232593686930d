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
from resspec.revision import Revision
from resspec.suggest import alike
from resspec.syntax import ast
from resspec.syntax.parse import ENOUGH

_DECLARATION = re.compile(r"^(?:block|shortcut|network) (\w+)", re.MULTILINE)


def find_used(
    use: ast.UseDecl, beside: Path, root: Callable[[], str], revision: Revision | None
) -> Path:
    """A library by name: beside its user, else shipped. A file: beside its user, never outside the
    root.
    """
    name, libraries = use.target.text, shipped.path("specs", "lib")
    places = candidates(name, beside, is_file=use.is_file)
    for path in places:
        is_there = _is_there(path, revision)
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
    name: ast.Identifier, beside: Path, root: Callable[[], str], revision: Revision | None
) -> Path | None:
    """Return the spec that a network is derived from: beside its user, else shipped.

    None if a plain name leads nowhere; a path that leads nowhere is an error.
    """
    folder = shipped.path("specs")
    places = base_candidates(name.text, beside)
    for path in places:
        if _is_there(path, revision):
            if not is_within(path, _real_path(folder)) and not is_within(path, root()):
                raise SpecError([name_errors.outside_root(name.span, root())])
            return path
    if "/" not in name.text:
        return None
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


def project_root(path: Path) -> Path:
    """The folder that a spec reads from: the nearest one above it that holds `.git`, else its
    own.
    """
    folder = Path(os.path.realpath(path)).parent
    return next(
        (parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), folder
    )


def is_file(path: Path) -> bool:
    """Also of a text that can be no path."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_there(path: Path, revision: Revision | None) -> bool:
    return (
        revision.is_file(path) if revision and path.is_relative_to(revision.root) else is_file(path)
    )


def shown(path: Path) -> str:
    """Return a shipped file under its name in the project, any other as it was given."""
    folder = shipped.path("specs")
    if not path.is_absolute() or not path.is_relative_to(folder):
        return path.as_posix()
    return f"specs/{path.relative_to(folder).as_posix()}"


def is_within(path: Path, folder: str) -> bool:
    """Return whether it lies in a folder whose links are followed already."""
    return Path(os.path.realpath(path)).is_relative_to(folder)


@cache
def _real_path(shipped_folder: Path) -> str:
    return os.path.realpath(shipped_folder)
