"""From the name of a spec to its file, read with all that it uses: from the disk, from the package,
or from git.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from resspec import files, shipped
from resspec.diagnostics import Diagnostic, SpecError, UsageError
from resspec.lowering import name_errors
from resspec.lowering.network import network_names
from resspec.lowering.scope import Library, Loader
from resspec.revision import Revision
from resspec.source import Source
from resspec.suggest import alike, nearest
from resspec.syntax import ast
from resspec.syntax.parse import ENOUGH, read

_DECLARATION = re.compile(r"^(?:block|shortcut|network) (\w+)", re.MULTILINE)


class Opened(NamedTuple):
    """A file with all that it uses, and what is wrong with their declarations."""

    path: Path
    library: Library
    diagnostics: list[Diagnostic]


def open_spec(path: Path, revision: Revision | None = None) -> Opened:
    """Raises SpecError where the file itself is no spec, UsageError where it cannot be read."""
    diagnostics: list[Diagnostic] = []
    sources: dict[str, Source] = {}  # by their real paths, so that each file is read once
    folders: dict[Source, Path] = {}

    def source(path: Path) -> Source:
        real = os.path.realpath(path)
        if real not in sources:
            sources[real] = _source(real, *_read(path, revision))
            folders[sources[real]] = path.parent
        return sources[real]

    @cache
    def root() -> str:
        return os.path.realpath(revision.root if revision else project_root(path))

    def read_used(use: ast.UseDecl, user: Source) -> Source:
        return source(_find_used(use, folders[user], root, revision))

    return Opened(
        path, Loader(read_used, diagnostics.append, _declaring).load(source(path)), diagnostics
    )


def locate(spec: str) -> tuple[Path, str | None]:
    """The file of `FILE`, `FILE:NAME`, `NAME` or `FOLDER/NAME` of a shipped spec, and the network's
    name.
    """
    for text, name in _readings(spec):
        path = Path(text)
        if _is_file(path):
            return path, name
        shipped_path = shipped.path("specs", f"{text}.res")
        if (
            path.suffix != ".res"
            and not path.is_absolute()
            and ".." not in path.parts
            and _is_file(shipped_path)
        ):
            return shipped_path, name
    if _is_special(Path(spec)):
        raise files.no_file(Path(spec))
    near = _beside(spec) or nearest(spec, shipped_names())
    raise UsageError(f"there is no spec {spec!r}" + (f"; did you mean {near!r}?" if near else ""))


def _beside(spec: str) -> str | None:
    """Return `tiny.res` or `tiny.res:NAME` for `tiny` and `tiny:NAME`, and files of nearly the
    name.
    """
    for text, name in _readings(spec):
        path = Path(text)
        try:
            there = [each.as_posix() for each in path.parent.glob("*.res") if text]
        except (OSError, ValueError):
            continue
        file = f"{text}.res" if f"{path.as_posix()}.res" in there else nearest(text, there)
        if file is not None:
            return f"{file}:{name}" if name else file
    return None


def open_revised(spec: str) -> tuple[Opened, str | None]:
    """A file, and which network of it is meant, where `REV:PATH` and `REV:PATH:NAME` are ones at a
    revision of the git repository that one stands in.
    """
    try:
        path, named = locate(spec)
    except UsageError as nowhere:
        name, colon, rest = spec.partition(":")
        if not colon:
            raise
        try:
            revision = Revision(name)
        except UsageError as unknown:
            raise UsageError(f"{nowhere} (and it is not REV:PATH: {unknown})") from None
        return _open_at(revision, rest)
    return open_spec(path), named


def choose(opened: Opened, name: str | None) -> str:
    """Return which of a file's networks is meant."""
    names = network_names(opened.library)
    if opened.diagnostics and name not in names and (name is not None or len(names) != 1):
        raise SpecError(opened.diagnostics)
    if name is not None and name not in names:
        near = nearest(name, names)
        raise UsageError(
            f"{opened.path} has no network {name!r}" + (f"; did you mean {near!r}?" if near else "")
        )
    name = name or (opened.path.stem if opened.path.stem in names else None)
    if name is None and len(names) != 1:
        if not names and opened.diagnostics:
            raise SpecError(opened.diagnostics)
        raise UsageError(
            f"{opened.path} has {len(names)} networks ({', '.join(names)}): name one, as in {opened.path}:NAME"
            if names
            else f"{opened.path} has no network"
        )
    return name or names[0]


def shipped_names() -> list[str]:
    """Return the specs that come with the package, as `locate` knows them."""
    folder = shipped.path("specs")
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.res"))
    return sorted(name for name in names if not name.startswith("lib/"))


def is_shipped(path: Path) -> bool:
    """Return whether a file comes with the package."""
    return _is_within(path, _real(shipped.path("specs")))


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


def _open_at(revision: Revision, spec: str) -> tuple[Opened, str | None]:
    for text, name in _readings(spec):
        if revision.is_file(path := revision.path(text)):
            return open_spec(path, revision), name
    raise UsageError(f"there is no spec {spec!r} in {revision.name!r}")


def _readings(spec: str) -> Iterator[tuple[str, str | None]]:
    yield spec, None
    path, colon, name = spec.rpartition(":")
    if colon:
        yield path, name


def _is_file(path: Path) -> bool:
    """Also of a text that can be no path."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_special(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False


def _is_there(path: Path, revision: Revision | None) -> bool:
    return (
        revision.is_file(path)
        if revision and path.is_relative_to(revision.root)
        else _is_file(path)
    )


@lru_cache(16)
def _source(real: str, name: str, data: bytes) -> Source:
    """One object for the same text at the same place, so that a library is parsed once for all that
    use it.
    """
    del real
    return read(name, data)


def _read(path: Path, revision: Revision | None) -> tuple[str, bytes]:
    if revision and revision.is_file(path):
        return revision.shown(path), revision.read(path)[:ENOUGH]
    return _shown(path), files.read(path, ENOUGH)


def _shown(path: Path) -> str:
    """Return a shipped file under its name in the project, any other as it was given."""
    folder = shipped.path("specs")
    if not path.is_absolute() or not path.is_relative_to(folder):
        return path.as_posix()
    return f"specs/{path.relative_to(folder).as_posix()}"


def _find_used(
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
            and not _is_within(path, _real(libraries))
            and not _is_within(path, root())
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
                use.target.span, [_shown(path) for path in places], alike(name, known)
            )
        ]
    )


def _declaring(name: str) -> list[str]:
    """Return the shipped libraries that declare a name."""
    return [library for library, names in _shipped_libraries().items() if name in names]


@cache
def _shipped_libraries() -> dict[str, frozenset[str]]:
    texts = {
        path.stem: files.read(path, ENOUGH).decode()
        for path in sorted(shipped.path("specs", "lib").glob("*.res"))
    }
    return {name: frozenset(_DECLARATION.findall(text)) for name, text in texts.items()}


def _is_within(path: Path, folder: str) -> bool:
    """Return whether it lies in a folder whose links are followed already."""
    return Path(os.path.realpath(path)).is_relative_to(folder)


@cache
def _real(shipped_folder: Path) -> str:
    return os.path.realpath(shipped_folder)
