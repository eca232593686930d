"""The steps of a scope's body in rows, numbered by their layers, to be taken one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from resspec.ir.nodes import Located, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.arrange import Flatten
from resspec.ir.outputs import Output
from resspec.passes.call_levels import DeclarationMismatch
from resspec.passes.schedule import leaves


class TreeStep(NamedTuple):
    """A step of the tree: a layer, a module, a repeat with its row, or a merge with a row for each
    path.
    """

    first: int
    last: int
    part: Located
    rows: list[list[TreeStep]]


def items(part: Located, first: int = 0) -> list[TreeStep]:
    """Return the steps of a scope's body in a row; labels leave no trace in it."""
    last = first + leaves(part)
    match part.node:
        case Op(layer=layer):
            implied = part.name is None and isinstance(layer, Flatten | Output)
            return [] if implied else [TreeStep(first, last, part, [])]
        case Scope() if part.block is not None:
            return [TreeStep(first, last, part, [])]
        case Scope() | Series():
            return [item for row in _rows(part.parts, first) for item in row]
        case Repeat() | Parallel():
            return [TreeStep(first, last, part, _rows(part.parts, first))]


def _rows(parts: Sequence[Located], first: int) -> list[list[TreeStep]]:
    found = []
    for part in parts:
        found.append(items(part, first))
        first += leaves(part)
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

    def take(self, kind: type[Node]) -> TreeStep:
        step = self.next
        if step is None or not isinstance(step.part.node, kind):
            raise DeclarationMismatch
        self.position += 1
        return step
