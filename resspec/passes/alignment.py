"""A comparison of two schedules: is one the other with some statements left out?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from resspec.passes.schedule import (
    ApplyStatement,
    FlattenStatement,
    LoopStatement,
    MergeStatement,
    Schedule,
    Statement,
    contents,
    sources,
)


@dataclass
class Alignment:
    """The way in which one schedule is another with statements left out.

    Attributes:
        statements: For each statement of the template that of the other schedule, or None.
        fallbacks: For statements that are left out the value of the template that is taken in the
            place of theirs, where one is.
    """

    statements: list[Statement | None] = field(default_factory=list)
    fallbacks: dict[int, int] = field(default_factory=dict)


def align(
    template: Schedule, other: Schedule, may_lack: Callable[[Statement], bool]
) -> Alignment | None:
    """Return how a schedule is the template with statements left out, or None where it is not.

    A left out statement is replaced by the value that its reader reads instead.

    Args:
        template: The longer schedule.
        other: The schedule that may lack statements.
        may_lack: Returns whether a statement of the template may be left out.
    """
    if template.entered != other.entered:
        return None
    aligner = _Aligner()
    left = list(other.statements)
    for i, statement in enumerate(template.statements):
        if left and _is_alike(statement, left[0]) and aligner.reads_as(statement, left[0]):
            aligner.add(i, left.pop(0), len(other.statements) - len(left))
        elif may_lack(statement):
            aligner.add(i, None, None)
        else:
            return None
    if left or not aligner.is_same(template.result, other.result):
        return None
    return aligner.found


class _Aligner:
    def __init__(self) -> None:
        self.found = Alignment()
        self._value: dict[int, int | None] = {0: 0}  # None: not known before it is read

    def add(self, i: int, statement: Statement | None, value: int | None) -> None:
        self.found.statements.append(statement)
        self._value[i + 1] = value

    def reads_as(self, statement: Statement, candidate: Statement) -> bool:
        """Return whether two statements read the same."""
        pairs = list(zip(sources(statement), sources(candidate), strict=True))
        known = all(self._value[s] in (None, a) for s, a in pairs)
        return known and all(self.is_same(s, a) for s, a in pairs)

    def is_same(self, source: int, actual: int) -> bool:
        """Return whether the template's `source` can be the other's `actual`."""
        if self._value[source] is not None:
            return self._value[source] == actual
        kept = [v for v in range(source) if self._value[v] == actual]
        if not kept:
            return False
        self.found.fallbacks[source - 1] = kept[-1]
        self._value[source] = actual
        return True


def _is_alike(a: Statement, b: Statement) -> bool:
    match a, b:
        case ApplyStatement(), ApplyStatement():
            return a.path == b.path
        case FlattenStatement(), FlattenStatement():
            return True
        case MergeStatement(), MergeStatement():
            is_one_kind = (a.kind, a.residual, a.inplace) == (b.kind, b.residual, b.inplace)
            return is_one_kind and a.dim == b.dim and len(a.sources) == len(b.sources)
        case LoopStatement(), LoopStatement():
            is_one_loop = (a.path, a.turns, a.source) == (b.path, b.turns, b.source)
            return is_one_loop and contents(a.body) == contents(b.body)
        case _:
            return False
