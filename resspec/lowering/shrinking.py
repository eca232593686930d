"""How a picture came to be so small: a line for each layer that changed its size on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.shape import Shape
from resspec.lowering.draft import Draft, Fork, Inner, Leaf, Loop, Row, Run

SHOWN = 12


def shrinking(drafts: Iterable[Draft]) -> tuple[str, ...]:
    """The last changes of size, in the order in which they happened."""
    changes = [line for draft in drafts for line in _changes(draft)]
    return tuple(["…"] * (len(changes) > SHOWN) + changes[-SHOWN:])


def _changes(draft: Draft) -> Iterator[str]:
    if draft.input.spatial == draft.output.spatial:
        return
    match draft:
        case Leaf(layer=layer, input=x, output=y):
            yield _line(layer.kind, x, y, str(draft.span))
        case Row(steps=parts):
            for part in parts:
                yield from _changes(part)
        case Fork(paths=paths):
            yield from _changes(paths[0])
        case Loop(body=body) | Run(body=body):
            yield from _changes(body)
        case Inner(body=node):
            yield from _changes_in(node)


def _changes_in(node: Node) -> Iterator[str]:
    if node.input.spatial == node.output.spatial:
        return
    match node:
        case Op(input=x, output=y):
            yield _line(node.kind, x, y, node.span)
        case Series(children=parts):
            for part in parts:
                yield from _changes_in(part)
        case Parallel(paths=paths):
            yield from _changes_in(paths[0])
        case Repeat(body=body) | Scope(body=body):
            yield from _changes_in(body)


def _line(kind: str, x: Shape, y: Shape, span: str) -> str:
    """`span` as the IR keeps it: file:line:column-line:column."""
    return f"{_size(x)} to {_size(y)} by `{kind}` at {span.rsplit('-', 1)[0]}"


def _size(x: Shape) -> str:
    return "x".join(map(str, x.spatial)) or "1"
