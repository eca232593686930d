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
    found = Alignment()
    value: dict[int, int | None] = {0: 0}  # of the template → of the other; None: not known before it is read

    def reads(source: int, actual: int, before: int) -> bool:
        """Whether the template's `source` can be the other's `actual`."""
        if value[source] is not None:
            return value[source] == actual
        kept = [v for v in range(before) if v < source and value[v] == actual]
        if not kept or found.fallbacks.get(source - 1, kept[-1]) != kept[-1]:
            return False
        found.fallbacks[source - 1] = kept[-1]
        value[source] = actual
        return True

    position = 0
    for i, statement in enumerate(template.statements):
        candidate = other.statements[position] if position < len(other.statements) else None
        if candidate is not None and _alike(statement, candidate):
            pairs = list(zip(sources(statement), sources(candidate), strict=True))
            if all(value[s] in (None, a) for s, a in pairs) and all(reads(s, a, i + 1) for s, a in pairs):
                position += 1
                value[i + 1] = position
                found.statements.append(candidate)
                continue
        value[i + 1] = None
        found.statements.append(None)
    complete = position == len(other.statements) and reads(template.result, other.result, len(template.statements) + 1)
    return found if complete else None


def _alike(a: Statement, b: Statement) -> bool:
    match a, b:
        case Apply(), Apply():
            return a.path == b.path
        case Flat(), Flat():
            return True
        case Merge(), Merge():
            return replace(a, sources=()) == replace(b, sources=()) and len(a.sources) == len(b.sources)
        case Loop(), Loop():
            inner = align(a.body, b.body) if (a.path, a.count) == (b.path, b.count) else None
            return inner is not None and None not in inner.statements
        case _:
            return False
