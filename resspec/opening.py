"""A spec by its name: its file, read with all that it uses, from the disk, the package or git."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from resspec import files, shipped
from resspec.diagnostics import Diagnostic, SpecError, UsageError
from resspec.importing.sources import source_of
from resspec.lowering.network import (
    network_names,
    network_parameters,
    template_parameters,
    undecided_parameters,
)
from resspec.lowering.scope import Library, Loader
from resspec.revision import Revision
from resspec.source import Source
from resspec.suggest import nearest
from resspec.syntax import ast
from resspec.syntax.parse import read
from resspec.texts import DISK, AtRevision, Overlay, Texts, is_file, real_path
from resspec.uses import declaring, find_base, find_used, is_within

RUN_SPEC = "spec.res"  # in the folder of a run


class Opened(NamedTuple):
    """A file with all that it uses.

    Attributes:
        path: The file.
        library: Its declarations, and those of the files that it uses.
        diagnostics: The mistakes in these declarations.
        named: The network after the colon of `FILE:NAME`.
        paths: The files of all texts that were read.
    """

    path: Path
    library: Library
    diagnostics: list[Diagnostic]
    named: str | None = None
    paths: Mapping[Source, Path] = MappingProxyType({})


def open_named(spec: str, values: Mapping[str, Any] | None = None) -> Opened:
    """Open `FILE`, `FILE:NAME`, a shipped spec, or a network that is imported.

    Args:
        spec: How it is named.
        values: The `input` and the arguments that an imported network is made with.

    Raises SpecError, UsageError.
    """
    if is_imported(spec):
        return _open_imported(spec, values or {})
    path, name = locate(spec)
    return open_spec(path)._replace(named=name)


def open_revised(spec: str, values: Mapping[str, Any] | None = None) -> Opened:
    """Open what `open_named` opens, or `REV:PATH` or `REV:PATH:NAME` at a revision of the git
    repository around.

    Raises SpecError, UsageError.
    """
    if is_imported(spec):
        return _open_imported(spec, values or {})
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
    return open_spec(path)._replace(named=named)


def open_spec(path: Path, texts: Texts = DISK) -> Opened:
    """Open a file. Raises SpecError where it is not a spec, UsageError where it cannot be read."""
    diagnostics: list[Diagnostic] = []
    sources: dict[str, Source] = {}  # by their real paths, so that each file is read once
    paths: dict[Source, Path] = {}

    def source(path: Path) -> Source:
        real = os.path.realpath(path)
        if real not in sources:
            sources[real] = _source(real, texts.shown(path), texts.read(path))
            paths[sources[real]] = path
        return sources[real]

    @cache
    def root() -> str:
        return texts.root(path)

    def read_used(use: ast.UseDecl, user: Source) -> Source:
        return source(find_used(use, paths[user].parent, root, texts))

    def read_base(name: ast.Identifier, user: Source) -> Source | None:
        found = find_base(name, paths[user].parent, root, texts)
        return source(found) if found else None

    loader = Loader(read_used, read_base, diagnostics.append, declaring)
    return Opened(path, loader.load(source(path)), diagnostics, paths=paths)


def open_buffer(name: str, text: str | bytes) -> Opened:
    """Open a text as if it were a file of this name in the working folder. Raises SpecError."""
    path = Path(name)
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    return open_spec(path, Overlay({real_path(path): data}))


def is_imported(spec: str) -> bool:
    """Return whether a word names a module or a file of another format."""
    return source_of(spec) is not None


def open_text(name: str, text: str) -> Opened:
    """Open a text, which uses nothing but libraries that are shipped. Raises SpecError."""
    from resspec.importing.reading import library

    declared, diagnostics = library(Source(name, text))
    return Opened(Path(name), declared, diagnostics)


def _open_imported(word: str, values: Mapping[str, Any]) -> Opened:
    from resspec.importing.values import imported

    return open_text(word, imported(word, values).text)


def locate(spec: str) -> tuple[Path, str | None]:
    """Return the file and the network's name of `FILE`, `FILE:NAME` or the name of a shipped spec.

    The folder of a run means the network that it trains.
    A shipped spec is named by its path, `torchvision/alexnet`, or by the last part alone where no
    other has it.
    """
    for text, name in _readings(spec):
        path = Path(text)
        if is_file(path):
            return path, name
        if is_run(path):
            return path / RUN_SPEC, name
        shipped_path = shipped.path("specs", f"{text}.res")
        if (
            path.suffix != ".res"
            and not path.is_absolute()
            and ".." not in path.parts
            and is_file(shipped_path)
        ):
            return shipped_path, name
    if _is_special(Path(spec)):
        raise files.no_file(Path(spec))
    for text, name in _readings(spec):
        called_so = [each for each in shipped_names() if each.endswith(f"/{text}")]
        if len(called_so) == 1:
            return shipped.path("specs", f"{called_so[0]}.res"), name
        if called_so:
            raise UsageError(f"{text!r} is ambiguous: write {' or '.join(called_so)}")
    near = _beside(spec) or nearest(spec, shipped_names())
    raise UsageError(f"there is no spec {spec!r}" + (f"; did you mean {near!r}?" if near else ""))


def is_run(folder: Path) -> bool:
    """Return whether a folder is that of a run, which has the spec of its network."""
    return is_file(folder / "run.json") and is_file(folder / RUN_SPEC)


def _beside(spec: str) -> str | None:
    """Return `tiny.res:NAME` for `tiny:NAME`, or a file that has nearly the name."""
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


def choose(opened: Opened, name: str | None = None) -> str:
    """Return the network of a file that is meant.

    Args:
        opened: The file.
        name: The network; by default the one that was named with the file, that is called like
            the file, or that is the only one.

    Raises:
        SpecError: There is no such network, but the file has mistakes.
        UsageError: There is no such network.
    """
    path, names = opened.path, network_names(opened.library)
    name = name or opened.named
    if name in names:
        return name
    if name is None and path.stem in names:
        return path.stem
    if name is None and len(names) == 1:
        return names[0]
    if opened.diagnostics:
        raise SpecError(opened.diagnostics)
    if name is not None:
        near = nearest(name, names)
        help = f"; did you mean {near!r}?" if near else ""
        raise UsageError(f"{path} has no network {name!r}{help}")
    if names:
        help = f"name one, as in {path}:NAME"
        raise UsageError(f"{path} has {len(names)} networks ({', '.join(names)}): {help}")
    raise UsageError(f"{path} has no network")


def shipped_names() -> list[str]:
    """Return the specs that come with the package, as `locate` knows them."""
    folder = shipped.path("specs")
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.res"))
    return sorted(name for name in names if not name.startswith("lib/"))


def is_shipped(path: Path) -> bool:
    """Return whether a file comes with the package."""
    return is_within(path, os.path.realpath(shipped.path("specs")))


def _open_at(revision: Revision, spec: str) -> Opened:
    for text, name in _readings(spec):
        if revision.is_file(path := revision.path(text)):
            return open_spec(path, AtRevision(revision))._replace(named=name)
    raise UsageError(f"there is no spec {spec!r} in {revision.name!r}")


def _readings(spec: str) -> Iterator[tuple[str, str | None]]:
    yield spec, None
    path, colon, name = spec.rpartition(":")
    if colon:
        yield path, name


def _is_special(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False


@lru_cache(16)
def _source(real: str, name: str, data: bytes) -> Source:
    """Return one object for a text at a place, so that a library is parsed once for its users."""
    del real
    return read(name, data)


# --- the names, parameters and texts of a spec ---


def networks(path: Path, revision: Revision | None = None) -> dict[str, list[str]]:
    """Return the networks of a file, each with its parameters that need a value.

    Raises:
        SpecError: The file has mistakes in its declarations.
        UsageError: The file cannot be read.
    """
    opened = open_spec(path, AtRevision(revision) if revision else DISK)
    if opened.diagnostics:
        raise SpecError(opened.diagnostics)
    library = opened.library
    return {name: template_parameters(library, name) for name in network_names(library)}


def parameters(spec: str | Path) -> list[str]:
    """Return the names of a network's parameters. Raises SpecError, UsageError.

    An imported one has none: its arguments are those of the callable that makes it.
    """
    if is_imported(str(spec)):
        return []
    opened = open_named(str(spec))
    return network_parameters(opened.library, choose(opened))


def undecided(spec: str | Path) -> list[str]:
    """Return the parameters that a network leaves at their defaults. Raises SpecError, UsageError.

    A parameter that gets its value from a derived network is not among them.
    """
    if is_imported(str(spec)):
        return []
    opened = open_named(str(spec))
    return undecided_parameters(opened.library, choose(opened))


def sources(spec: str, values: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the texts of a spec and all that it uses, by their names in spans, its own first.

    `values`: as for `open_named`. Raises SpecError, UsageError.
    """
    library = open_revised(spec, values).library
    return {each.source.name: each.source.text for each in library.all()}
