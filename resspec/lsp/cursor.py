"""The parts of the syntax tree around a place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resspec.lsp.names import Occurrence
from resspec.source import Source, Span
from resspec.syntax import ast


def around(file: ast.SpecFile | None, offset: int) -> list[Any]:
    """Return the nodes around an offset, the outermost first."""
    found: list[Any] = []
    parts: list[Any] = list(file.declarations) if file else []
    while inside := next((each for each in parts if _holds(each, offset)), None):
        found.append(inside)
        parts = list(_parts(inside))
    return found


def _holds(node: Any, offset: int) -> bool:
    return bool(node.span.start <= offset <= node.span.end)


def _parts(node: Any) -> Iterator[Any]:
    """Yield the parts of a node that have a place, in their order."""
    for value in node:
        if isinstance(value, Span | Source | str) or value is None:
            continue
        if isinstance(value, list):
            for each in value:
                yield from [each] if hasattr(each, "span") else _parts(each)
        elif hasattr(value, "span"):
            yield value
        elif isinstance(value, tuple):
            yield from _parts(value)


def steps(node: Any) -> Iterator[ast.ChainStep]:
    """Yield the steps in a part of the tree, outer ones before those inside."""
    if isinstance(node, ast.ChainStep):
        yield node
    for part in _parts(node):
        yield from steps(part)


def name_at(found: list[Occurrence], offset: int) -> Occurrence | None:
    """Return the name at an offset; of two that touch there, the one that begins."""
    touching = [each for each in found if each.span.start <= offset <= each.span.end]
    return touching[-1] if touching else None


def declaration_at(file: ast.SpecFile | None, offset: int) -> ast.Declaration | None:
    """Return the declaration around an offset, from the start of its first line."""
    for declared in file.declarations if file else ():
        if declared.span.start <= offset <= declared.span.end:
            return declared
    return None
