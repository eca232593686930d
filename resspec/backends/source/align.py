"""Whether one program is another with some statements left out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from resspec.backends.source.terms import Body
from resspec.passes.schedule import Apply, Flat, Loop, Merge, Statement, sources


@dataclass
class Alignment:
    """For each statement of the template that of the other program, or None; and for what is left out the value of the
    template that is taken in its place, where one is."""

    statements: list[Statement | None] = field(default_factory=list)
    fallbacks: dict[int, int] = field(default_factory=dict)


def align(template: Body, other: Body) -> Alignment | None:
    """Return how a body's program is the template's without what only some arms of the shortcut option have; None where it
    is not. A left out statement is replaced by the value that its reader reads instead."""
    if template.program.entered != other.program.entered:
        return None
    aligner = _Aligner()
    left = list(other.program.statements)
    for i, statement in enumerate(template.program.statements):
        if left and _is_alike(statement, left[0]) and aligner.reads_as(statement, left[0]):
            candidate = left.pop(0)
            aligner.add(i, candidate, len(other.program.statements) - len(left))
        elif is_optional(statement, template):
            aligner.add(i, None, None)
        else:
            return None
    if left or not aligner.is_same(template.program.result, other.program.result):
        return None
    return aligner.found


def is_optional(statement: Statement, body: Body) -> bool:
    """Return whether only some arms of the shortcut option may have a statement: the shortcut, the sum, a path that drops."""
    match statement:
        case Apply(index=index):
            return index in body.optional
        case Merge(residual=residual):
            return residual is not None
        case _:
            return False


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
        case Apply(), Apply():
            return a.path == b.path
        case Flat(), Flat():
            return True
        case Merge(), Merge():
            return replace(a, sources=()) == replace(b, sources=()) and len(a.sources) == len(
                b.sources
            )
        case Loop(), Loop():
            return a == b
        case _:
            return False
