"""The steps of a scope's body in rows, numbered by their layers, to be taken one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from resspec.ir.ops.arrange import Flatten
from resspec.passes.call_levels import DeclarationMismatch
from resspec.passes.named import (
    NamedNode,
    NamedOp,
    NamedParallel,
    NamedRepeat,
    NamedScope,
    NamedSeries,
)
from resspec.passes.schedule import leaves


class TreeStep(NamedTuple):
    """A step of the tree: a layer, a module, a repeat with its row, or a merge with a row for each path."""

    first: int
    last: int
    node: NamedNode
    rows: list[list[TreeStep]]


def items(node: NamedNode, first: int = 0) -> list[TreeStep]:
    """Return the steps of a scope's body in a row; labels leave no trace in it."""
    match node:
        case NamedOp():
            implied = node.name is None and isinstance(node.layer, Flatten)
            return [] if implied else [TreeStep(first, first + 1, node, [])]
        case NamedScope(block=str()):
            return [TreeStep(first, first + 1, node, [])]
        case NamedScope(body=body):
            return items(body, first)
        case NamedSeries(children=children):
            return [item for row in _rows(children, first) for item in row]
        case NamedRepeat(body=body):
            rows = [items(body, first)]
            return [TreeStep(first, first + leaves(body), node, rows)]
        case NamedParallel(paths=paths):
            return [TreeStep(first, first + leaves(node), node, _rows(paths, first))]


def _rows(nodes: Sequence[NamedNode], first: int) -> list[list[TreeStep]]:
    found = []
    for node in nodes:
        found.append(items(node, first))
        first += leaves(node)
    return found


class TreeRow:
    """The steps of a path, taken one by one."""

    def __init__(self, steps: list[TreeStep], first: int) -> None:
        self.steps, self.position, self.first = steps, 0, first

    @property
    def next(self) -> TreeStep | None:
        return self.steps[self.position] if self.position < len(self.steps) else None

    @property
    def end(self) -> int:
        """The number after that of the last layer taken."""
        return self.steps[self.position - 1].last if self.position else self.first

    def take(self, kind: type[NamedNode]) -> TreeStep:
        step = self.next
        if step is None or not isinstance(step.node, kind):
            raise DeclarationMismatch
        self.position += 1
        return step
