"""Declarations that a shipped library has as well: the text uses the library instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from resspec.importing import reading
from resspec.lowering.scope import Library
from resspec.source import Source
from resspec.syntax import ast
from resspec.syntax.format import lay_out

_LIBRARIES = ("torchvision", "he2015", "hu2017")
_NAMES = {"basic_block": "basic", "squeeze_excitation": "squeeze"}  # of classes, in libraries


@dataclass(frozen=True)
class Written:
    """A text in its parts.

    Attributes:
        name: The name of the network.
        declarations: The text of each block and shortcut option, by its name.
        network: The text of the network.
    """

    name: str
    declarations: Mapping[str, str]
    network: str

    def text(self, library: str | None = None, without: Collection[str] = ()) -> str:
        """Return the whole text, some declarations left to a library."""
        own = [text for name, text in self.declarations.items() if name not in without]
        uses = [f"use {library}"] if library else []
        whole = "\n".join([*uses, *own, self.network])
        for name in without:
            whole = re.sub(rf"\b{name}\b(?!:)", _NAMES.get(name, name), whole)
        return lay_out(Source(self.name, whole))


def with_library(written: Written, holds: Callable[[str], bool]) -> str:
    """Return a text, in which a library stands for as many declarations as possible.

    Args:
        written: The text, which means the network.
        holds: A function that returns whether another text does, too.
    """
    found = written.text()
    for library in _LIBRARIES:
        known = _declared(library)
        without: list[str] = []
        for name in written.declarations:
            shorter = written.text(library, [*without, name])
            if _NAMES.get(name, name) in known and holds(shorter):
                without.append(name)
                found = shorter
        if any(written.declarations[name].startswith("block") for name in without):
            return found
    return written.text()


def _declared(library: str) -> set[str]:
    found, _ = reading.library(Source("names", f"use {library}\n"))
    return set(_names(found.used))


def _names(libraries: Collection[Library]) -> Iterator[str]:
    for library in libraries:
        for name, declared in library.own.items():
            if isinstance(declared, ast.Block | ast.Option):
                yield name
        yield from _names(library.used)
