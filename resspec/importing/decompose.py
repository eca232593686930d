"""From a graph to a series-parallel tree.

The branches into a merge fork at its nearest dominator. Inputs that share the first steps of their
branch are a merge of their own, after those steps. Branches cross at a step that would be in the
tree twice: there, the graph is not series-parallel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from resspec.importing.dominators import Dominators
from resspec.importing.graph import INPUT, Graph, has_tensors
from resspec.importing.reads import Inputs, reads
from resspec.ir.ops import Layer
from resspec.ir.ops.regularize import Dropout, DropPathOp

MAX_FORKS = 80  # inside each other; the IR has two levels for each
MAX_AGAIN = 1000  # steps that are computed twice


@dataclass(slots=True)
class Fork:
    """Paths from one value to a merge.

    Attributes:
        step: The merge. Operands that share a part of the way have a fork of their own, of the same
            step.
        paths: Its paths, in the order of its operands.
        is_shortened: Whether its first operand stands for several.
    """

    step: int
    paths: list[Pieces]
    is_shortened: bool = False


Pieces = list[int | Fork]  # in a row; a layer is the number of its step


@dataclass(frozen=True, slots=True)
class Crossing:
    """A value on two branches that no merge joins.

    Attributes:
        step: The step whose value it is.
        readers: The steps after it on the two branches.
        merges: The merges in which the branches end.
    """

    step: int
    readers: tuple[int, int]
    merges: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Decomposed:
    """A graph as a tree.

    Attributes:
        pieces: The steps from the input to the last output.
        outputs: The steps that compute the outputs, in the order in which they run.
        needed: The steps that an output depends on.
        crossings: The places where the graph is not series-parallel.
        too_deep: A merge that is nested inside too many others, if there is one.
        again: The steps that are computed twice.
    """

    pieces: Pieces
    outputs: list[int]
    needed: list[int]
    crossings: list[Crossing]
    too_deep: int | None
    again: list[int]


def decompose(graph: Graph, *, twice: bool = False) -> Decomposed:
    """Return the tree of a graph's steps.

    Args:
        graph: The graph.
        twice: Whether steps without parameters may be computed twice where branches cross.
    """
    decomposition = _Decomposition(graph, twice=twice)
    outputs = sorted({decomposition.value(i) for _, i in graph.outputs})
    last = outputs[-1]
    pieces = decomposition.row(INPUT, last, last)
    needed = [i for i, read in enumerate(decomposition.reads.inputs) if read]
    found = decomposition
    return Decomposed(pieces, outputs, needed, found.crossings, found.too_deep, found.again)


class _Decomposition:
    def __init__(self, graph: Graph, *, twice: bool) -> None:
        self.graph = graph
        self.steps = graph.steps
        self.twice = twice
        self.reads = reads(graph)
        self.dominators = Dominators(self.reads.inputs)
        self.ways: dict[int, tuple[int, int]] = {}  # of steps in the tree: the reader and the merge
        self.crossings: list[Crossing] = []
        self.again: list[int] = []
        self.depth = 0
        self.too_deep: int | None = None

    def value(self, step: int) -> int:
        """Return the step that computes the value of a step."""
        return step if step == INPUT else self.reads.stands_for[step]

    def row(self, start: int, end: int, merge: int) -> Pieces:
        """Return the steps after one value, up to another, on a path to a merge."""
        found: Pieces = []
        step, reader = end, merge
        while step != start and self._take(step, reader, merge):
            parent = self.dominators.parents[step]
            if isinstance(self.steps[step].does, Layer):
                found.append(step)
            else:
                found.append(self._fork(step, parent, self.reads.inputs[step]))
            step, reader = parent, step
        found.reverse()
        return found

    def _take(self, step: int, reader: int, merge: int) -> bool:
        """Note a step of the tree. If it is in the tree already and cannot be computed twice, note
        that two branches cross, and return False.
        """
        way = reader, merge
        other = self.ways.setdefault(step, way)
        if other is way:
            return True
        if self.twice and self._may_repeat(step) and len(self.again) < MAX_AGAIN:
            self.again.append(step)
            return True
        self.crossings.append(Crossing(step, (other[0], reader), (other[1], merge)))
        return False

    def _may_repeat(self, step: int) -> bool:
        """Return whether a step gives the same result when it is computed again."""
        draws = isinstance(self.steps[step].does, Dropout | DropPathOp)
        return not draws and not has_tensors(self.graph, step)

    def _fork(self, step: int, start: int, inputs: Inputs) -> Fork:
        """Return the paths from a value to these inputs of a merge."""
        if self.depth >= MAX_FORKS:
            self.too_deep = step
            return Fork(step, [])
        self.depth += 1
        kind = self.steps[step].does
        groups = list(self._groups(start, inputs, is_concat=kind == "concat"))
        paths = [self._path(step, start, group) for group in groups]
        self.depth -= 1
        if kind != "concat":
            paths = self._opened(paths, kind)
            if len(paths) > 1:
                paths[:2] = _as_run(*paths[:2])
        return Fork(step, paths, step in self.reads.shortened and len(inputs) > 1)

    def _groups(self, start: int, inputs: Inputs, *, is_concat: bool) -> Iterator[Inputs]:
        """Yield the operands of each path: neighbors that share their first step. Of a
        sum or product only the first ones can, since it is computed from left to right.
        """
        runs = groupby(inputs, lambda step: self.dominators.child(start, step))
        for number, (child, run) in enumerate(runs):
            together = child is not None and (is_concat or number == 0)
            operands = tuple(run)
            yield from [operands] if together else [(each,) for each in operands]

    def _path(self, step: int, start: int, operands: Inputs) -> Pieces:
        """Return the path from a value to one operand of a merge, or to several."""
        end = self.dominators.common(operands)
        pieces = self.row(start, end, step)
        if len(operands) > 1:
            pieces.append(self._fork(step, end, operands))
        return pieces

    def _opened(self, paths: list[Pieces], kind: object) -> list[Pieces]:
        """Return `(a + b) + c` as one sum of three, unless c is computed first."""
        match paths:
            case [[Fork()], [_, *_] as other] if _begin(other) < _begin(paths[0]):
                return paths
            case [[Fork(step=step, paths=inner)], *rest] if self.steps[step].does == kind:
                return [*inner, *rest]
            case _:
                return paths


def _as_run(first: Pieces, second: Pieces) -> tuple[Pieces, Pieces]:
    """Return the first two operands, whose order changes no result, in the order in which they
    begin: gradients of the value that they read are added up in that order.
    """
    if first and second and _begin(first) > _begin(second):
        return second, first
    return first, second


def _begin(pieces: Pieces) -> int:
    """Return the first step that runs on a path."""
    match pieces[0]:
        case Fork(step=step, paths=paths):
            return min((_begin(path) for path in paths if path), default=step)
        case step:
            return step
