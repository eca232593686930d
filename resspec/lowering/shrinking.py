"""How a picture came to be so small: a line for each layer that changed its size on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from resspec.ir.nodes import Location, Node, Op, Parallel
from resspec.ir.shape import Shape
from resspec.lowering.parts import Part, Written

SHOWN = 12


def shrinking(parts: Iterable[Part]) -> tuple[str, ...]:
    """Return the last changes of size, in the order in which they happened."""
    changes = [line for part in parts for line in _changes(*part)]
    return tuple(["…"] * (len(changes) > SHOWN) + changes[-SHOWN:])


def _changes(node: Node, place: Written | Location) -> Iterator[str]:
    x, y = node.input, node.output
    if x.spatial == y.spatial:
        return
    if isinstance(node, Op):
        where = str(place.span).rsplit("-", 1)[0]  # of file:line:column-line:column
        yield f"{_size(x)} to {_size(y)} by `{node.kind}` at {where}"
        return
    inside = zip(node.parts, place.parts, strict=True)
    for part, there in [next(inside)] if isinstance(node, Parallel) else inside:
        yield from _changes(part, there)


def _size(x: Shape) -> str:
    return "x".join(map(str, x.spatial)) or "1"
