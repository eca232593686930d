"""The AST as an indented text, for people who want to see how a spec was read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resspec.source import Source, Span
from resspec.syntax import ast


def to_text(file: ast.SpecFile) -> str:
    """Return a line for each node, its fields below it; places and empty fields are left out."""
    return "".join(line + "\n" for line in _lines(file))


def _lines(node: Any) -> Iterator[str]:
    match node:
        case ast.Identifier(text=text):
            yield text
        case ast.Number(value=value):
            yield str(value)
        case ast.Size(dims=dims):
            yield "x".join(map(str, dims))
        case Span():
            yield node.text
        case tuple():
            yield type(node).__name__
            for name, value in node._asdict().items():  # type: ignore[attr-defined]
                is_place = isinstance(value, Span | Source)
                if not is_place and name != "depth" and value not in (None, False, []):
                    yield from _field(name, value)
        case _:
            yield str(node)


def _field(name: str, value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else (value,):
        first, *others = _lines(item)
        yield f"  {name}: {first}"
        yield from ("  " + line for line in others)
