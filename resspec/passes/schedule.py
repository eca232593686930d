"""What runs in a scope, as statements: each reads numbered values and makes the next one.

Rows are flat, neighbours of one name are joined, and short repeats are written out. Steps are numbered by their first
layer: layers and modules of declared blocks count in order, those in repeats once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from resspec.ir.ops.arrange import Flatten, Identity
from resspec.ir.ops.layer import Ramp
from resspec.ir.shape import Name, Shape
from resspec.passes.named import (
    NamedNode,
    NamedOp,
    NamedParallel,
    NamedRepeat,
    NamedScope,
    NamedSeries,
)

Path = tuple[Name, ...]
Step = tuple[int, NamedNode]
Limits = tuple[int, int]

# Repeats that are written out, not looped over: from so many steps in the body, up to so many in all turns.
PROGRAM: Limits = (1, 12)
ROW: Limits = (2, 24)
NOWHERE: Limits = (1, 0)


@dataclass(frozen=True)
class ApplyStatement:
    """Run a layer or a module. `path`: its name, after those of the scopes that it shares with modules elsewhere."""

    path: Path
    what: Any
    source: int
    output: Shape = field(compare=False)
    index: int = field(compare=False, default=0)


@dataclass(frozen=True)
class FlattenStatement:
    """Flatten all but the batch."""

    source: int
    output: Shape = field(compare=False)


@dataclass(frozen=True)
class MergeStatement:
    """Several values to one, as `NamedParallel` in the IR does it."""

    kind: Literal["add", "concat", "mul"]
    sources: tuple[int, ...]
    residual: int | None
    inplace: bool
    dim: int
    output: Shape = field(compare=False)


@dataclass(frozen=True)
class LoopStatement:
    """A program several times, each time on what it left before. `path`: that of the scope that its modules share."""

    path: Path
    count: int
    body: Schedule
    source: int
    output: Shape = field(compare=False)


Statement = ApplyStatement | FlattenStatement | MergeStatement | LoopStatement


@dataclass(frozen=True)
class Schedule:
    """Statements in order. Value 0 enters, and statement k makes value k + 1. `entered`: scopes that stand in several places,
    each with the statement before which it is first entered."""

    statements: tuple[Statement, ...]
    result: int
    entered: tuple[tuple[Path, int], ...] = ()


def sources(statement: Statement) -> tuple[int, ...]:
    """Return the values that a statement reads."""
    return statement.sources if isinstance(statement, MergeStatement) else (statement.source,)


Make = Callable[[NamedOp | NamedScope, int, int], tuple[Path, Any] | None]


def schedule(node: NamedNode, make: Make, first: int = 0) -> Schedule:
    """Return the statements of a scope's body.

    Args:
        node: The body.
        make: Returns the name and what stands in the statement of a layer or a module, given its number and the depth of
            repeats around it; None where nothing runs.
    """
    return _Flow(make, shared_scopes(node)).program(node, (), 0, first)


class _Flow:
    def __init__(self, make: Make, shared: set[Path]) -> None:
        self.make = make
        self.shared = shared
        self.entered: dict[Path, int] = {}

    def program(self, node: NamedNode, path: Path, depth: int, first: int) -> Schedule:
        made: list[Statement] = []
        result = self._flow((first, node), 0, path, depth, made)
        return Schedule(tuple(made), result, tuple(self.entered.items()) if depth == 0 else ())

    def _flow(self, start: Step, x: int, path: Path, depth: int, made: list[Statement]) -> int:
        """Return the value that a step makes of value x. `path`: the shared scopes around it."""
        for index, part in steps(start, depth, PROGRAM):
            match part:
                case NamedOp(layer=Identity()):
                    pass
                case NamedOp(layer=Flatten()):
                    x = _add(made, FlattenStatement(x, part.output))
                case NamedParallel(paths=paths):
                    starts = _numbered(paths, index)
                    values = tuple([self._flow(each, x, path, depth, made) for each in starts])
                    x = values[0] if len(values) == 1 else _add(made, _merge(part, values))
                case NamedRepeat(count=count, body=body):
                    inner = self.program(body, path, depth + 1, index)
                    x = _add(made, LoopStatement(path, count, inner, x, part.output))
                case NamedScope(name=name, body=body) if (*path, name) in self.shared:
                    self.entered.setdefault((*path, name), len(made))
                    x = self._flow((index, body), x, (*path, name), 0, made)
                case NamedOp() | NamedScope():
                    if found := self.make(part, index, depth):
                        own, what = found
                        full = (*path, *own) if part.name in own else own
                        x = _add(made, ApplyStatement(full, what, x, part.output, index))
                case NamedSeries():
                    pass
        return x


def _merge(node: NamedParallel, values: tuple[int, ...]) -> MergeStatement:
    dim = -1 if node.output.last else 1
    return MergeStatement(node.merge, values, node.residual, bool(node.inplace), dim, node.output)


def _add(made: list[Statement], statement: Statement) -> int:
    made.append(statement)
    return len(made)


# --- steps ---


def steps(start: Step, depth: int, limits: Limits) -> Iterator[Step]:
    """Yield the steps of a node that stands `depth` repeats deep in its scope; neighbours that share a scope's name are one."""
    parts = _flat(*start, depth, limits)
    for _, group in groupby(
        parts, lambda step: step[1].name if isinstance(step[1], NamedScope) else id(step[1])
    ):
        first, *others = group
        yield (first[0], _joined([part for _, part in (first, *others)])) if others else first


def shared_scopes(node: NamedNode) -> set[Path]:
    """Return the scopes that stand in several places of a scope's body, not just side by side: their paths from there."""
    return set(_shared([node], ()))


def leaves(node: NamedNode) -> int:
    """Return how many numbers a node takes."""
    match node:
        case NamedOp() | NamedScope(block=str()):
            return 1
        case NamedSeries(children=parts) | NamedParallel(paths=parts):
            return sum(map(leaves, parts))
        case NamedScope(body=body) | NamedRepeat(body=body):
            return leaves(body)


def _numbered(nodes: Iterable[NamedNode], index: int) -> Iterator[Step]:
    for node in nodes:
        yield index, node
        index += leaves(node)


def _joined(parts: list[NamedNode]) -> NamedScope:
    """Scopes of one name, one after the other."""
    first, last = parts[0], parts[-1]
    assert isinstance(first, NamedScope)
    bodies = tuple(part.body for part in parts if isinstance(part, NamedScope))
    body = NamedSeries(input=first.input, output=last.output, span=first.span, children=bodies)
    return first.changed(output=last.output, body=body, block=None)


def _flat(index: int, node: NamedNode, depth: int, limits: Limits) -> Iterator[Step]:
    match node:
        case NamedSeries(children=children):
            for step in _numbered(children, index):
                yield from _flat(*step, depth, limits)
        case NamedRepeat(count=count, body=body) if count == 1 or _is_short(
            body, count, depth + 1, limits
        ):
            for turn in range(count):
                yield from _flat(index, at_turn(body, turn, depth), depth, limits)
        case _:
            yield index, node


def _is_short(body: NamedNode, count: int, depth: int, limits: Limits) -> bool:
    least, most = limits
    if count > most:
        return False
    size = sum(1 for _ in _flat(0, body, depth, limits))
    return least <= size and size * count <= most


def at_turn(node: NamedNode, turn: int, depth: int | None, *, nearest: bool = True) -> NamedNode:
    """Return a repeat's body at one of its turns. `depth`: which of a name's steps the repeat takes (None in scopes that open
    inside); `nearest`: no other repeat is nearer, so that ramps mean this one."""
    match node:
        case NamedOp(name=name, layer=layer):
            layer = layer.at(turn) if nearest else layer
            return node.changed(name=name and _moved(name, turn, depth), layer=layer)
        case NamedScope(name=name, body=body):
            inner = at_turn(body, turn, None) if nearest and varies(body) else body
            return node.changed(name=_moved(name, turn, depth), body=inner)
        case NamedSeries(children=children):
            return node.changed(
                children=tuple([at_turn(c, turn, depth, nearest=nearest) for c in children])
            )
        case NamedParallel(paths=paths):
            return node.changed(
                paths=tuple([at_turn(p, turn, depth, nearest=nearest) for p in paths])
            )
        case NamedRepeat(body=body):
            return node.changed(body=at_turn(body, turn, depth, nearest=False))


def _moved(name: Name, turn: int, depth: int | None) -> Name:
    if name.number is None or depth is None or len(name.steps) <= depth:
        return name
    number = name.number + name.steps[depth] * turn
    return Name(name.prefix, number, (*name.steps[:depth], *name.steps[depth + 1 :]))


def varies(node: NamedNode) -> bool:
    """Return whether a repeat around the node decides about numbers in it."""
    match node:
        case NamedOp(layer=layer):
            return any(isinstance(value, Ramp) for value in vars(layer).values())
        case NamedScope(body=body):
            return varies(body)
        case NamedSeries(children=parts) | NamedParallel(paths=parts):
            return any(map(varies, parts))
        case NamedRepeat():
            return False


def _shared(nodes: Iterable[NamedNode], path: Path) -> Iterator[Path]:
    found: dict[Name, list[NamedNode]] = {}
    for node in nodes:
        for scope in _scopes(node):
            found.setdefault(scope.name, []).append(scope.body)
    for name, bodies in found.items():
        if len(bodies) > 1:
            yield (*path, name)
            yield from _shared(bodies, (*path, name))


def _scopes(node: NamedNode) -> Iterator[NamedScope]:
    for _, part in steps((0, node), 0, NOWHERE):
        match part:
            case NamedScope():
                yield part
            case NamedParallel(paths=parts):
                for path in parts:
                    yield from _scopes(path)
            case NamedRepeat(body=body):
                yield from _scopes(body)
            case _:
                pass
