"""Rows as residual blocks: steps before, the residual F, the shortcut h, and steps after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resspec.importing.fold.terms import Call, Inline, Merge, Module, Row, Step, walk

_ARMS = {"subsample", "avgpool", "maxpool", "pad_channels"}  # what an arm may begin with


@dataclass(frozen=True)
class Residual:
    """A row of the form `after(F(before(x)) + h(x))`.

    Attributes:
        before: What comes before both.
        f: The residual.
        h: The shortcut, empty for the identity, None where there is none.
        after: What comes after the sum.
        h_first: Whether the shortcut is the sum's first operand.
    """

    before: Row
    f: Row
    h: Row | None
    after: Row
    h_first: bool = False


def residuals(rows: Sequence[Row]) -> list[Residual] | None:
    """Return the rows of the bodies of one class as residual blocks, None where they are none."""
    found = [_residual(row) for row in rows]
    sums = [each for each in found if each is not None]
    orders = {each.h_first for each in sums if each.h} or {each.h_first for each in sums}
    if not sums or len(orders) > 1:
        return None
    (h_first,) = orders
    befores = {each.before for each in sums if each.before}
    after = min((each.after for each in sums), key=len)
    made = []
    for row, each in zip(rows, found, strict=True):
        if each is None:
            made.append(_without_shortcut(row, after, h_first=h_first))
        elif each.h == () and not each.before:
            made.append(_with_before(each, befores))
        else:
            made.append(each)
    return [replace(each, h_first=h_first) for each in made]


def _residual(row: Row) -> Residual | None:
    merges = [i for i, step in enumerate(row) if isinstance(step, Merge) and step.kind == "add"]
    if len(merges) != 1:
        return None
    (at,) = merges
    merge = row[at]
    assert isinstance(merge, Merge)
    if len(merge.paths) != 2:
        return None
    a, b = merge.paths
    before, after = row[:at], row[at + 1 :]
    if not any(isinstance(step, Call | Inline | Module) and step.name for step in walk((*a, *b))):
        return None
    if _is_shortcut(b) and not (_is_shortcut(a) and _size(a) < _size(b)):
        return Residual(before, a, b, after)
    if _is_shortcut(a):
        return Residual(before, b, a, after, h_first=True)
    return None


def _size(path: Row) -> int:
    calls = [step for step in walk(path) if isinstance(step, Call)]
    return sum(getattr(call.block, "size", 1) for call in calls)


def _is_shortcut(path: Row) -> bool:
    """Return whether a path can be an arm: nothing, one module, or steps without parameters."""
    if len(path) == 1 and isinstance(path[0], Call | Inline | Module):
        return path[0].name is None or "." not in path[0].name
    free = [step for step in path if isinstance(step, Call) and step.name is None]
    return len(free) == len(path) and (not free or free[0].kind in _ARMS)


def _without_shortcut(row: Row, after: Row, *, h_first: bool) -> Residual:
    if after and row[-len(after) :] == after:
        return Residual((), row[: -len(after)], None, after, h_first)
    return Residual((), row, None, (), h_first)


def _with_before(residual: Residual, befores: set[Row]) -> Residual:
    """Return an identity block with that part of F before it which other blocks have there."""
    for before in befores:
        n = len(before)
        same = zip(residual.f, before, strict=False)
        if len(residual.f) > n and all(_alike(x, y) for x, y in same):
            return replace(residual, before=residual.f[:n], f=residual.f[n:])
    return residual


def _alike(a: Step, b: Step) -> bool:
    return isinstance(a, Call) and isinstance(b, Call) and (a.kind, a.name) == (b.kind, b.name)


def label_of(h: Row) -> str | None:
    """Return the name of a shortcut's module."""
    step = h[0] if len(h) == 1 else None
    return step.name if isinstance(step, Call | Inline) else None


def arm_of(h: Row) -> Row:
    """Return what is written in an arm, whose label opens a numbered scope."""
    step = h[0] if len(h) == 1 else None
    if isinstance(step, Inline):
        return step.row
    if isinstance(step, Call) and step.name is not None:
        return (replace(step, name=None),)
    return h
