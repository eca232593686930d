"""Slots as text, once it is known what is written for each of their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from fractions import Fraction
from itertools import groupby
from typing import Any

from resspec.backends.expand import value_text
from resspec.importing.fold.slots import Slot
from resspec.importing.fold.terms import Call, Expr, Inline, Merge, Times
from resspec.ir.ops import OPS
from resspec.ir.ops.layer import short

EMPTY = "0 x identity"
_SMALL = {10**n: n for n in range(3, 18)}  # denominators of numbers such as 1e-6


def chain(slots: Sequence[Slot]) -> str:
    """Return steps in a row; nothing where there are none."""
    return " -> ".join(steps(slots))


def steps(slots: Sequence[Slot]) -> Iterator[str]:
    """Yield the text of each step; neighbors with one condition are one."""
    for test, run in groupby(slots, key=lambda slot: slot.test):
        texts = [step(slot) for slot in run]
        if test is None:
            yield from texts
        elif len(texts) == 1 and ":" not in texts[0].split(" ", 1)[0]:
            yield f"{test.at(2)} x {texts[0]}"
        else:
            yield f"{test.at(2)} x {{ {' -> '.join(texts)} }}"


def step(slot: Slot) -> str:
    """Return a step with its label."""
    label = f"{slot.label}: " if slot.label else ""
    match slot.example:
        case Inline():
            return _inline(slot)
        case Times():
            inside = list(steps(slot.rows[0]))
            body = inside[0] if len(inside) == 1 else f"{{ {' -> '.join(inside)} }}"
            return f"{label}{argument(slot.turns)} x {body}"
        case Merge(kind=kind):
            paths = [chain(row) or "identity" for row in slot.rows]
            return f"{kind} {{ {' | '.join(paths)} }}"
        case Call() as call:
            return label + _call(slot, call)
        case _:
            raise AssertionError(slot.example)


def _inline(slot: Slot) -> str:
    """Return a numbered scope: in braces, or with a dotted label where it holds a single call."""
    (row,) = slot.rows
    if slot.label is None:
        return f"sequential {{ {chain(row)} }}"
    if len(row) == 1 and isinstance(row[0].example, Call) and row[0].test is None:
        inner = step(row[0])
        return f"{slot.label}.{inner}" if row[0].label else f"{slot.label}.0: {inner}"
    return f"{slot.label}: {{ {chain(row) or EMPTY} }}"


def _call(slot: Slot, call: Call) -> str:
    if slot.kind is not None:
        return slot.kind.text
    stride = [f"/{argument(slot.stride)}"] if slot.stride is not None else []
    if call.block is not None:
        words = [*_block_arguments(slot, call), *stride]
        return f"{call.block.name} {', '.join(words)}".rstrip()  # type: ignore[attr-defined]
    bare, named = layer_arguments(call.kind, slot.given)
    return f"{call.kind} {', '.join([*bare, *stride, *named])}".rstrip()


_WINDOWS = {"kernel_size", "size"}  # fields that are written with both sides


def layer_arguments(kind: str, given: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the arguments of a layer by position and by name; without its defaults."""
    op = OPS[kind]
    words = {name: word for word, name in op.words.items()}
    said = {
        each.name: given[each.name]
        for each in fields(op)
        if each.name in given
        and given[each.name] is not None
        and (each.default is MISSING or _is_said(each.name, given[each.name], each.default))
    }
    bare: list[str] = []
    for name in op.positional:
        if name not in said:
            break
        bare.append(argument(said.pop(name), is_window=name in _WINDOWS))
    return bare, [f"{words.get(name, name)}={argument(value)}" for name, value in said.items()]


def _is_said(name: str, value: Any, default: Any) -> bool:
    """Return whether a value differs from the default of the language; a usual padding is None."""
    return name == "padding" or value != default


def _block_arguments(slot: Slot, call: Call) -> Iterator[str]:
    by_name = False
    for p in call.block.parameters:  # type: ignore[attr-defined]
        value = slot.given[p.name]
        if p.default is not None and value == p.default:
            by_name = True
            continue
        text = argument(value, is_window=p.role == "kernel")
        is_flag = isinstance(p.default, bool)
        yield f"{p.name}={text}" if by_name or is_flag else text
        by_name |= is_flag


def argument(value: Any, *, is_window: bool = False) -> str:
    """Return a value as an argument."""
    match value:
        case Expr(text=text):
            return text
        case (int(), int()) if not is_window:
            return value_text(short(value))
        case Fraction(numerator=1, denominator=small) if small in _SMALL:
            return f"1e-{_SMALL[small]}"
        case _:
            return value_text(value)
