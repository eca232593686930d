"""The way to a small picture: a line for each layer that changed its size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from resspec.ir.nodes import Located, Op, Parallel
from resspec.ir.shape import Shape

SHOWN = 12


def shrinking(parts: Iterable[Located]) -> tuple[str, ...]:
    """Return the last changes of size, in the order in which they happened."""
    changes = [line for part in parts for line in _changes(part)]
    return tuple(["…"] * (len(changes) > SHOWN) + changes[-SHOWN:])


def _changes(located: Located) -> Iterator[str]:
    node = located.node
    x, y = node.input, node.output
    if x.spatial == y.spatial:
        return
    if isinstance(node, Op):
        where = located.span.rsplit("-", 1)[0]  # of file:line:column-line:column
        yield f"{_size(x)} to {_size(y)} by `{node.kind}` at {where}"
        return
    for part in located.parts[:1] if isinstance(node, Parallel) else located.parts:
        yield from _changes(part)


def _size(x: Shape) -> str:
    return "x".join(map(str, x.spatial)) or "1"
