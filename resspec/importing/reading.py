"""An imported text, read as every spec is; the libraries that it uses are the shipped ones."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from resspec import shipped
from resspec.diagnostics import Diagnostic, InternalError, SpecError
from resspec.ir.network import Network
from resspec.ir.shape import Shape
from resspec.lowering.network import lower, network_names
from resspec.lowering.outputs import Given
from resspec.lowering.scope import Library, Loader
from resspec.passes.inplace import inplace
from resspec.source import Source, Span
from resspec.syntax import ast
from resspec.syntax.parse import read
from resspec.texts import DISK
from resspec.uses import declaring, find_base, find_used


def library(source: Source) -> tuple[Library, list[Diagnostic]]:
    """Return the declarations of a text, with the mistakes in them. Raises SpecError."""
    diagnostics: list[Diagnostic] = []
    libraries = shipped.path("specs", "lib")

    def root() -> str:
        return os.path.realpath(libraries)

    def read_used(use: ast.UseDecl, user: Source) -> Source:
        del user
        return _shipped(find_used(use, libraries, root, DISK))

    def read_base(name: ast.Identifier, user: Source) -> Source | None:
        del user
        found = find_base(name, libraries, root, DISK)
        return _shipped(found) if found else None

    loader = Loader(read_used, read_base, diagnostics.append, declaring)
    return loader.load(source), diagnostics


def network(text: str, input: Shape | None = None) -> Network:
    """Return the network of a text that declares one, the last if several.

    Args:
        text: The text of a spec.
        input: The shape of one sample, in place of the text's own.

    Raises:
        SpecError: The text has mistakes, or the network cannot have this input.
    """
    found, diagnostics = library(Source("the imported text", text))
    name = network_names(found)[-1]
    lowered = lower(found, name, (), Given(_clause(input)) if input else None)
    if mistakes := [*diagnostics, *lowered.diagnostics]:
        raise SpecError(mistakes)
    if lowered.network is None:
        raise InternalError("no network and no diagnostic")
    return inplace(lowered.network)


def _clause(input: Shape) -> ast.Input:
    source = Source("value of input", str(input))
    span = Span(source, 0, len(source.text))
    return ast.Input(ast.Size(input.dims, span), None, span)


@lru_cache(16)
def _shipped(path: Path) -> Source:
    """Return one object for a library, so that it is parsed once for all its users."""
    return read(DISK.shown(path), DISK.read(path))
