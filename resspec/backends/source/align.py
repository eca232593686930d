"""Whether one program is another with some statements left out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from resspec.backends.source.terms import Apply, Flat, Loop, Merge, Program, Statement, sources


@dataclass
class Alignment:
    """For each statement of the template that of the other program, or None; and for what is left out the value of the
    template that is taken in its place, where one is."""

    statements: list[Statement | None] = field(default_factory=list)
    fallbacks: dict[int, int] = field(default_factory=dict)


def align(template: Program, other: Program) -> Alignment | None:
    """How `other` is the template with statements left out; None where it is not. A left out statement is replaced by the
    value that its reader reads instead."""
    if template.entered != other.entered:
        return None
    aligner = _Aligner()
    position = 0
    for i, statement in enumerate(template.statements):
        candidate = other.statements[position] if position < len(other.statements) else None
        if (
            candidate is not None
            and _alike(statement, candidate)
            and aligner.reads_as(statement, candidate)
        ):
            position += 1
            aligner.add(i, candidate, position)
        else:
            aligner.add(i, None, None)
    if position < len(other.statements) or not aligner.is_same(template.result, other.result):
        return None
    return aligner.found


class _Aligner:
    def __init__(self) -> None:
        self.found = Alignment()
        self._value: dict[int, int | None] = {
            0: 0
        }  # of the template → of the other; None: not known before it is read

    def add(self, i: int, statement: Statement | None, value: int | None) -> None:
        self.found.statements.append(statement)
        self._value[i + 1] = value

    def reads_as(self, statement: Statement, candidate: Statement) -> bool:
        """Whether two statements read the same."""
        pairs = list(zip(sources(statement), sources(candidate), strict=True))
        return all(self._value[s] in (None, a) for s, a in pairs) and all(
            self.is_same(s, a) for s, a in pairs
        )

    def is_same(self, source: int, actual: int) -> bool:
        """Whether the template's `source` can be the other's `actual`."""
        if self._value[source] is not None:
            return self._value[source] == actual
        kept = [v for v in range(source) if self._value[v] == actual]
        if not kept:
            return False
        self.found.fallbacks[source - 1] = kept[-1]
        self._value[source] = actual
        return True


def _alike(a: Statement, b: Statement) -> bool:
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
            inner = align(a.body, b.body) if (a.path, a.count) == (b.path, b.count) else None
            return inner is not None and None not in inner.statements
        case _:
            return False
