"""Anti-unification: the rows of several bodies as one row of slots, where some bodies may leave out
a slot.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from resspec.importing.fold.terms import Call, Expr, Inline, Merge, Row, Step, Times
from resspec.ir.ops.window import SAME

ACTIVATIONS = {
    *("relu", "relu6", "silu", "gelu", "sigmoid", "hardswish", "hardsigmoid", "mish"),
    *("leaky_relu", "elu", "celu", "tanh", "softplus"),
}
_SAME = 4.0  # the likeness of steps that differ only in numbers
_LEAST_SHARED = 0.5  # of the steps of the longer of two rows


class UnlikeError(Exception):
    """An error for bodies that nobody would write as one block."""


@dataclass(eq=False)
class Slot:
    """A step of a pattern.

    Attributes:
        steps: What stands there in each body, None in those that leave it out.
        rows: The patterns of the rows directly inside.
        given: What is written for each argument, once it is known.
        stride: What is written as its stride.
        turns: What is written as the count of a repeat.
        kind: What is called, where bodies differ in it.
        test: The condition on which it is there.
        label: The name that is written, None where it is the default one.
        runs: Whether the label numbers the turns of a repeat.
        around: Which bodies have the slot around it, None where all do.
    """

    steps: list[Step | None]
    rows: list[list[Slot]] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    stride: Any = None
    turns: Any = None
    kind: Expr | None = None
    test: Expr | None = None
    label: str | None = None
    runs: bool = False
    around: tuple[bool, ...] | None = None

    @property
    def example(self) -> Step:
        """The step of some body."""
        return next(step for step in self.steps if step is not None)

    @property
    def present(self) -> tuple[bool, ...]:
        """The bodies that have it."""
        return tuple(step is not None for step in self.steps)

    @property
    def is_optional(self) -> bool:
        return None in self.steps


def pattern(rows: Sequence[Row | None], *, named: bool) -> list[Slot]:
    """Return the slots of several rows, None for bodies that do not have the row.

    Args:
        rows: A row for each body.
        named: Whether names must be the same, which in a numbered scope are positions.

    Raises:
        UnlikeError: The rows share too little.
    """
    known = sorted(
        (i for i, row in enumerate(rows) if row is not None), key=lambda i: -_size(rows[i])
    )
    columns: list[list[Step | None]] = []
    for i in known:
        columns = _joined(columns, rows[i] or (), i, len(rows), named)
    _check_alternatives(columns)
    return [_slot(column, named) for column in columns]


def _check_alternatives(columns: Sequence[Sequence[Step | None]]) -> None:
    """Check that no two optional steps of one name exclude each other. Raises UnlikeError."""
    known: dict[str | None, Sequence[Step | None]] = {}
    for column in columns:
        example = _example(column)
        name = "" if isinstance(example, Merge) else getattr(example, "name", None)
        other = known.get(name)
        if name is None or None not in column:
            continue
        if other and not any(a and b for a, b in zip(column, other, strict=True)):
            raise UnlikeError
        known[name] = column


def _size(row: Row | None) -> int:
    return len(row or ())


def _joined(
    columns: list[list[Step | None]], row: Row, body: int, count: int, named: bool
) -> list[list[Step | None]]:
    """Return columns of steps with those of one more body."""
    if not columns:
        return [_column(step, body, count) for step in row]
    examples = [_example(column) for column in columns]
    same = len(examples) == len(row) and all(
        _likeness(a, b, named) >= _SAME for a, b in zip(examples, row, strict=True)
    )
    alone: list[int | None] = list(range(len(row)))
    pairs = list(zip(alone, alone, strict=True)) if same else _aligned(examples, row, named)
    matched = sum(1 for i, j in pairs if i is not None and j is not None)
    if matched < _LEAST_SHARED * max(len(columns), len(row)):
        raise UnlikeError
    found = []
    for i, j in pairs:
        column = columns[i] if i is not None else _column(None, body, count)
        if j is not None:
            column[body] = row[j]
        found.append(column)
    return found


def _column(step: Step | None, body: int, count: int) -> list[Step | None]:
    column: list[Step | None] = [None] * count
    column[body] = step
    return column


def _example(column: Sequence[Step | None]) -> Step:
    return next(step for step in column if step is not None)


def _aligned(
    a: Sequence[Step], b: Sequence[Step], named: bool
) -> list[tuple[int | None, int | None]]:
    """Return the pairs of steps of two rows that match, and those that do not."""
    best = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            likeness = _likeness(a[i], b[j], named)
            both = likeness + best[i + 1][j + 1] if likeness else 0
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < len(a) or j < len(b):
        likeness = _likeness(a[i], b[j], named) if i < len(a) and j < len(b) else 0
        if likeness and best[i][j] == likeness + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif j == len(b) or (i < len(a) and best[i][j] == best[i + 1][j]):
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs


def _likeness(a: Step, b: Step, named: bool) -> float:
    """Return how similar two steps are; 0 if one cannot replace the other."""
    match a, b:
        case Call(), Call():
            return _likeness_of_calls(a, b, named)
        case Inline(), Inline() if a.name == b.name or not named:
            return 4 + _excess(a.row, b.row) if _share(a.row, b.row, named=False) else 0
        case Merge(kind=kind), Merge(kind=other) if kind == other:
            same = len(a.paths) == len(b.paths)
            pairs = zip(a.paths, b.paths, strict=False)
            return 4 if same and all(_share(x, y, named=named) for x, y in pairs) else 0
        case Times(), Times():
            return 4 if _share(a.row, b.row, named=named, later=True) else 0
        case (Times(row=(only,)), _):
            return _likeness(only, b, named) / 2
        case (_, Times(row=(only,))):
            return _likeness(a, only, named) / 2
        case _:
            return 0


def _likeness_of_calls(a: Call, b: Call, named: bool) -> float:
    if named and a.name != b.name and None not in (a.name, b.name):
        return 0
    if (a.kind, a.block) == (b.kind, b.block):
        same_fields = a.fields == b.fields and a.stride == b.stride
        return 4 + (named and a.name == b.name) + same_fields + (_sort(a) == _sort(b))
    is_free = a.name is None and b.name is None
    return 2 if is_free and {a.kind, b.kind} <= ACTIVATIONS else 0


def _sort(call: Call) -> Hashable:
    """Return the sort of convolution: pointwise, depthwise, or neither."""
    given = dict(call.fields)
    kernel = given.get("kernel_size", given.get("kernel"))
    width = given.get("out_channels", given.get("width"))
    groups = given.get("groups", 1)
    return kernel == (1, 1), groups not in (None, 1) and groups == width


def _excess(a: Row, b: Row) -> float:
    """Return how much more alike two rows are than others that can stand for each other."""
    pairs = zip(a, b, strict=False)
    return sum(max(0.0, _likeness(x, y, named=False) - _SAME) for x, y in pairs) / 4


def _share(a: Row, b: Row, *, named: bool, later: bool = False) -> bool:
    if not a or not b:
        return a == b
    if later:
        return len(a) == len(b) and all(
            _likeness(x, y, named=False) > 0 for x, y in zip(a, b, strict=True)
        )
    matched = sum(1 for i, j in _aligned(a, b, named) if i is not None and j is not None)
    return matched >= _LEAST_SHARED * max(len(a), len(b))


def skeleton(row: Row) -> Hashable:
    """Return a row without its numbers, and without names that are positions."""
    return tuple(map(_shape_of, row))


def _shape_of(step: Step) -> Hashable:
    match step:
        case Call(kind=kind, fields=fields, stride=stride, name=name, block=block):
            given = tuple((field, value is None or value == SAME) for field, value in fields)
            own_name = "" if name and name.isdigit() else name
            return kind, given, stride is None, own_name, block
        case Inline(row=row, name=name):
            return "" if name.isdigit() else name, skeleton(row)
        case Merge(kind=kind, paths=paths):
            return kind, tuple(map(skeleton, paths))
        case Times(row=row):
            return "times", skeleton(row)
        case _:
            return step


def _slot(column: list[Step | None], named: bool) -> Slot:
    if any(isinstance(step, Times) for step in column):
        column = [
            step if step is None or isinstance(step, Times) else Times(1, (step,))
            for step in column
        ]
    slot = Slot(column)
    match slot.example:
        case Inline():
            rows = [step.row if isinstance(step, Inline) else None for step in column]
            slot.rows = [pattern(rows, named=False)]
        case Times():
            rows = [step.row if isinstance(step, Times) else None for step in column]
            slot.rows = [pattern(rows, named=named)]
        case Merge(paths=paths):
            for i in range(len(paths)):
                rows = [step.paths[i] if isinstance(step, Merge) else None for step in column]
                slot.rows.append(pattern(rows, named=named))
        case _:
            pass
    return slot
