"""Equal neighbors of a row as repeats, where their names count up as the language's would."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from resspec.importing.fold.labels import label_scope
from resspec.importing.fold.slots import UnlikeError, pattern
from resspec.importing.fold.terms import Call, Inline, Merge, Row, Step, Times

_LONGEST = 12  # the most steps that are repeated together
_NUMBERED = re.compile(r"(.*?)(0|[1-9][0-9]*)", re.ASCII)


def compressed(row: Row, *, by_position: bool) -> Row:
    """Return a row with its repeats found, those in paths and containers too.

    Args:
        row: The steps.
        by_position: Whether names are positions, as in a numbered scope.
    """
    row = tuple(_inside(step, by_position=by_position) for step in row)
    single = _repeated(row, 1, by_position=by_position)
    several = single
    for period in range(2, _LONGEST + 1):
        several = _repeated(several, period, by_position=by_position)
    found = (each for each in (several, single) if _has_names(each, by_position=by_position))
    return next(found, row)


def _has_names(row: Row, *, by_position: bool) -> bool:
    """Return whether labels can give the names of a row."""
    try:
        label_scope(pattern([row], named=True), 1, by_position=by_position)
    except UnlikeError:
        return False
    return True


def _inside(step: Step, *, by_position: bool) -> Step:
    match step:
        case Inline(row=row):
            return replace(step, row=compressed(row, by_position=True))
        case Merge(paths=paths):
            rows = tuple(compressed(path, by_position=by_position) for path in paths)
            return replace(step, paths=rows)
        case _:
            return step


def _repeated(row: Row, period: int, *, by_position: bool) -> Row:
    found: list[Step] = []
    i = 0
    while i < len(row):
        group = row[i : i + period]
        turns = 1
        if len(group) == period and (period == 1 or not isinstance(group[0], Times)):
            turns = _turns(row, i, period, by_position=by_position)
        if turns > 1:
            found.append(Times(turns, group))
            i += turns * period
        else:
            found.append(row[i])
            i += 1
    return tuple(found)


def _turns(row: Row, start: int, period: int, *, by_position: bool) -> int:
    """Return how many times the steps from `start` on are repeated."""
    group = row[start : start + period]
    moves = _moves(group, by_position=by_position)
    turns = 1
    while True:
        first = start + turns * period
        later = row[first : first + period]
        if period == 1:
            group = tuple(_unstrided(step, then) for step, then in zip(group, later, strict=False))
        expected = tuple(_shifted(step, moves, turns) for step in group)
        if len(later) < period or expected != later:
            return turns
        turns += 1


def _unstrided(step: Step, later: Step) -> Step:
    """Return a call as at later turns, to which its stride does not apply."""
    if not (isinstance(step, Call) and isinstance(later, Call)):
        return step
    does_stride = step.stride is not None and later.stride == (1, 1)
    return replace(step, stride=later.stride) if does_stride else step


def _moves(group: Row, *, by_position: bool) -> Counter[str]:
    """Return how far each prefix of names counts on at each turn."""
    names = [_NUMBERED.fullmatch(name) for step in group for name in _names(step)]
    moves = Counter(found[1] for found in names if found)
    if by_position:
        moves[""] = sum(counted(step) for step in group)
    return moves


def counted(step: Step) -> int:
    """Return how many positions of a numbered scope a step takes."""
    match step:
        case Merge(paths=paths):
            return sum(counted(inner) for path in paths for inner in path)
        case Times(count=count, row=row):
            return count * sum(map(counted, row))
        case _:
            return 1


def _names(step: Step) -> Iterator[str]:
    """Yield the names that a step has in its scope."""
    match step:
        case Call(name=str() as name) | Inline(name=name):
            yield name
        case Merge(paths=paths):
            for path in paths:
                for inner in path:
                    yield from _names(inner)
        case Times(row=row):
            for inner in row:
                yield from _names(inner)
        case _:
            pass


def _shifted(step: Step, moves: Counter[str], turns: int) -> Step:
    """Return a step as it is named so many turns later."""
    match step:
        case Call(name=str() as name) | Inline(name=name):
            return replace(step, name=_later(name, moves, turns))
        case Merge(paths=paths):
            rows = tuple(tuple(_shifted(inner, moves, turns) for inner in path) for path in paths)
            return replace(step, paths=rows)
        case Times(row=row):
            return replace(step, row=tuple(_shifted(inner, moves, turns) for inner in row))
        case _:
            return step


def _later(name: str, moves: Counter[str], turns: int) -> str:
    found = _NUMBERED.fullmatch(name)
    if found is None:
        return name
    return f"{found[1]}{int(found[2]) + turns * moves[found[1]]}"
