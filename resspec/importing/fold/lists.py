"""Stages that differ only in numbers as one clause with lists, where that is shorter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from resspec.importing.fold.fill import Filler
from resspec.importing.fold.labels import label_scope
from resspec.importing.fold.slots import Slot, UnlikeError, pattern
from resspec.importing.fold.solver import Solver
from resspec.importing.fold.terms import Call, Expr, Inline, Row
from resspec.importing.fold.write import argument, chain, step

_FEWEST = 3  # stages that are worth a list
_WORD = re.compile(r"\w+|[^\w\s]")


class _Lists(Solver):
    """Columns of numbers, one for each stage, as lists."""

    def __init__(self, count: int) -> None:
        super().__init__([])
        self.count = count
        self.strides = [0] * count
        self.entering = self.leaving = [1] * count

    def known(self, role: str, column: Sequence[Any]) -> Any:
        if all(value == column[0] for value in column):
            return column[0]
        if None in column:
            raise UnlikeError
        entries = [argument(value, is_window=role == "kernel") for value in column]
        return Expr(f"[{', '.join(entries)}]")

    def test(self, present: Sequence[bool]) -> Expr | None:
        raise UnlikeError(present)


def stages(slots: Sequence[Slot]) -> Iterator[str]:
    """Yield the clauses of stages."""
    i = 0
    while i < len(slots):
        separate = [stage(slot) for slot in slots]
        for n in range(len(slots) - i, _FEWEST - 1, -1):
            together = _together(slots[i : i + n])
            if together and _length(together) < sum(map(_length, separate[i : i + n])):
                yield together
                i += n
                break
        else:
            yield separate[i]
            i += 1


def stage(slot: Slot) -> str:
    """Return the clause of one stage."""
    if isinstance(slot.example, Inline) and not slot.runs:
        return f"stage {slot.label}: {_inside(slot.rows[0])}"
    return f"stage {step(slot)}"


def _inside(row: Sequence[Slot]) -> str:
    is_call = len(row) == 1 and isinstance(row[0].example, Call | Inline) and not row[0].label
    return f"1 x {chain(row)}" if is_call else chain(row)


def _together(slots: Sequence[Slot]) -> str | None:
    """Return one clause for stages whose labels count up, None where there is none."""
    rows = list(_rows(slots))
    first = re.fullmatch(r"(.*?)(0|[1-9][0-9]*)", slots[0].label or "")
    if first is None or len(rows) < len(slots) or any(slot.runs for slot in slots):
        return None
    expected = [f"{first[1]}{int(first[2]) + i}" for i in range(len(slots))]
    if [slot.label for slot in slots] != expected:
        return None
    try:
        row = pattern(rows, named=False)
        Filler(_Lists(len(slots))).fill(row)
        label_scope(row, len(slots), by_position=True)
    except UnlikeError:
        return None
    is_container = isinstance(slots[0].example, Inline)
    text = _inside(row) if is_container else chain(row)
    return None if "[" not in text else f"stages {slots[0].label}..: {text}"


def _rows(slots: Sequence[Slot]) -> Iterator[Row]:
    """Yield what is in each stage, as long as all are containers, or all are calls."""
    kind = type(slots[0].example)
    for slot in slots:
        match slot.example:
            case Inline(row=row) if kind is Inline:
                yield row
            case Call() as call if kind is Call:
                yield (replace(call, name=None),)
            case _:
                return


def _length(text: str) -> int:
    return len(_WORD.findall(text))
