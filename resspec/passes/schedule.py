"""The layers and modules of a scope as statements: each reads numbered values and makes the next
one.

Rows are flat, neighbors of one name are joined, and short repeats are written out. Steps are
numbered by their first layer: layers and modules of declared blocks count in order, those in
repeats once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from resspec.ir import walk
from resspec.ir.nodes import Located, Merge, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.arrange import Flatten, Identity
from resspec.ir.outputs import Output, has_output
from resspec.ir.shape import Name
from resspec.ir.turns import at_turn

Path = tuple[Name, ...]
Step = tuple[int, Located]
Limits = tuple[int, int]

# Repeats that are written out, not looped over: from so many steps in the body, up to so many in
# all turns.
PROGRAM: Limits = (1, 12)
ROW: Limits = (2, 24)


class ApplyStatement(NamedTuple):
    """Run a layer or a module.

    Attributes:
        path: Its name, after those of the scopes that it shares with modules elsewhere.
        what: What `make` returned for it.
    """

    part: Located
    path: Path
    what: Any
    source: int
    number: int = 0


class FlattenStatement(NamedTuple):
    """Flatten all but the batch."""

    part: Located
    source: int


class MergeStatement(NamedTuple):
    """Several values to one, as `Parallel` in the IR does it."""

    part: Located
    kind: Merge
    sources: tuple[int, ...]
    residual: int | None
    inplace: bool
    dim: int


class LoopStatement(NamedTuple):
    """A program several times, each time on what it left before.

    Attributes:
        path: That of the scope that its modules share.
    """

    part: Located
    path: Path
    turns: int
    body: Schedule
    source: int


Statement = ApplyStatement | FlattenStatement | MergeStatement | LoopStatement


class Schedule(NamedTuple):
    """Statements in order. Value 0 enters, and statement k makes value k + 1.

    Attributes:
        entered: Scopes that stand in several places, each with the statement before which it is
            first entered.
        outputs: The values that it returns by name, where it does.
    """

    statements: tuple[Statement, ...]
    result: int
    entered: tuple[tuple[Path, int], ...] = ()
    outputs: tuple[tuple[str, int], ...] = ()


Make = Callable[[Located, int, int], tuple[Path, Any] | None]


def sources(statement: Statement) -> tuple[int, ...]:
    """Return the values that a statement reads."""
    return statement.sources if isinstance(statement, MergeStatement) else (statement.source,)


def contents(program: Schedule) -> Hashable:
    """Return what a program does, to compare it with others: without the places of its parts."""
    statements = tuple(map(_content, program.statements))
    return statements, program.result, program.entered


def by_name(part: Located, index: int, depth: int) -> tuple[Path, None] | None:
    """Return the name of a layer or a module, and nothing else that stands in its statement."""
    del index, depth
    path = () if part.name is None else (part.name,)
    return (path, None) if leaves(part) else None


def schedule(body: Located, make: Make = by_name, first: int = 0) -> Schedule:
    """Return the statements of a scope's body.

    Args:
        body: The body.
        make: Returns the name and what stands in the statement of a layer or a module, given its
            number and the depth of repeats around it; None where nothing runs.
        first: The number of the first layer.
    """
    return _Flow(make, shared_scopes(body)).program(body, (), 0, first)


def _content(statement: Statement) -> Hashable:
    match statement:
        case ApplyStatement(path=path, what=what, source=source):
            return ApplyStatement, path, what, source
        case FlattenStatement(source=source):
            return FlattenStatement, source
        case MergeStatement():
            return MergeStatement, statement[1:]
        case LoopStatement(path=path, turns=turns, body=body, source=source):
            return LoopStatement, path, turns, contents(body), source


class _Flow:
    def __init__(self, make: Make, shared: set[Path]) -> None:
        self.make = make
        self.shared = shared
        self.entered: dict[Path, int] = {}
        self.outputs: dict[str, int] = {}

    def program(self, body: Located, path: Path, depth: int, first: int) -> Schedule:
        made: list[Statement] = []
        result = self._flow((first, body), 0, path, depth, made)
        entered = tuple(self.entered.items()) if depth == 0 else ()
        outputs = tuple(self.outputs.items()) if depth == 0 else ()
        return Schedule(tuple(made), result, entered, outputs)

    def _flow(self, start: Step, x: int, path: Path, depth: int, made: list[Statement]) -> int:
        """Return the value that a step makes of value x. `path`: the shared scopes around it."""
        for index, part in steps(start, depth, PROGRAM):
            match part.node:
                case Op(layer=Identity()):
                    continue
                case Op(layer=Output(name=name)):
                    self.outputs[name] = x
                    continue
                case Op(layer=Flatten()):
                    made.append(FlattenStatement(part, x))
                case Parallel() as node:
                    starts = _numbered(part.parts, index)
                    values = tuple([self._flow(each, x, path, depth, made) for each in starts])
                    if len(values) == 1:
                        x = values[0]
                        continue
                    made.append(_merge(part, node, values))
                case Repeat(count=count):
                    inner = self.program(part.body, path, depth + 1, index)
                    made.append(LoopStatement(part, path, count, inner, x))
                case Scope() if part.name and (shared := (*path, part.name)) in self.shared:
                    self.entered.setdefault(shared, len(made))
                    x = self._flow((index, part.body), x, shared, 0, made)
                    continue
                case _:
                    found = self.make(part, index, depth)
                    if found is None:
                        continue
                    own, what = found
                    full = (*path, *own) if part.name in own else own
                    made.append(ApplyStatement(part, full, what, x, index))
            x = len(made)
        return x


def _merge(part: Located, node: Parallel, values: tuple[int, ...]) -> MergeStatement:
    dim = -1 if node.output.last else 1
    return MergeStatement(part, node.merge, values, node.residual, bool(node.inplace), dim)


# --- steps ---


def steps(start: Step, depth: int, limits: Limits) -> list[Step]:
    """Return the steps of a part that stands `depth` repeats deep in its scope; neighbors that
    share a scope's name are one.
    """
    row = list[Step]()
    _flatten(*start, depth, limits, row)
    return walk.joined(row, _scope_name, _together)


def shared_scopes(body: Located) -> set[Path]:
    """Return the scopes that stand in several places of a scope's body, not just side by side, or
    that hold an output: their paths from there.
    """
    return set(_shared([body], ()))


def is_row(program: Schedule, *, numbered: bool) -> bool:
    """Return whether it is emitted as an nn.Sequential: modules one after the other.

    Args:
        program: The statements of a body.
        numbered: Whether its modules may not have names of their own, as in a block.
    """
    for statement in program.statements:
        name = statement.part.name
        match statement:
            case LoopStatement(body=body):
                if not is_row(body, numbered=numbered):
                    return False
            case MergeStatement():
                return False
            case ApplyStatement(part=Located(node=Op(layer=layer))) if layer.is_parameter:
                return False
            case _ if name is None or (numbered and name.prefix):
                return False
    return not (program.entered or program.outputs)


def leaves(part: Located) -> int:
    """Return how many numbers a part takes."""
    if isinstance(part.node, Op) or part.block is not None:
        return 1
    return sum(map(leaves, part.parts))


def _scope_name(step: Step) -> Name | None:
    part = step[1]
    return part.name if isinstance(part.node, Scope) else None


def _together(first: Step, second: Step) -> Step:
    return first[0], replace(walk.together(first[1], second[1]), block=None)


def _numbered(parts: Iterable[Located], index: int) -> Iterator[Step]:
    for part in parts:
        yield index, part
        index += leaves(part)


def _flatten(index: int, part: Located, depth: int, limits: Limits, row: list[Step]) -> None:
    """Add the steps of a part to a row."""
    match part.node:
        case Series():
            for step in _numbered(part.parts, index):
                _flatten(*step, depth, limits, row)
        case Repeat(count=count) if count == 1 or _is_short(part.body, count, depth + 1, limits):
            for turn in range(count):
                _flatten(index, at_turn(part.body, turn, depth), depth, limits, row)
        case _:
            row.append((index, part))


def _is_short(body: Located, count: int, depth: int, limits: Limits) -> bool:
    least, most = limits
    if count > most:
        return False
    steps = list[Step]()
    _flatten(0, body, depth, limits, steps)
    return least <= len(steps) and len(steps) * count <= most


def _shared(parts: Iterable[Located], path: Path) -> Iterator[Path]:
    found: dict[Path, list[Located]] = {}
    for part in parts:
        for scope in _scopes(part):
            if scope.name is not None:
                found.setdefault((*path, scope.name), []).append(scope.body)
    for inner, bodies in found.items():
        if len(bodies) > 1 or has_output(bodies[0]):
            yield inner
            yield from _shared(bodies, inner)


def _scopes(part: Located) -> Iterator[Located]:
    if isinstance(part.node, Scope):
        yield part
        return
    for inner in part.parts:
        yield from _scopes(inner)
