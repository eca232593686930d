"""Differences between two layers of one kind, and the names of shortcuts."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from resspec.backends.diff.steps import DiffStep
from resspec.backends.summary import summary
from resspec.ir.nodes import Located, Op
from resspec.ir.ops.layer import short

Difference = tuple[str, str, str]  # what, before, after


def fields(a: DiffStep, b: DiffStep) -> Iterator[Difference]:
    """Yield the fields of two layers, and how their weights start, where these differ."""
    assert isinstance(a.node, Op) and isinstance(b.node, Op)
    x, y = _fields(a.node, a.turn), _fields(b.node, b.turn)
    yield from (
        (name, _value(x[name]), _value(y[name]))
        for name in x
        if name != "inplace" and x[name] != y[name]
    )
    yield from _starts(a.node, b.node)


def arm(row: list[DiffStep], located: Located) -> str:
    """Return a shortcut in words: `identity`, `projection (conv 1x1, 256, /2 → bn)`."""
    word, holds = arm_kind(row, located), summary(located)
    return word if word == holds else f"{word} ({holds})"


def arm_kind(row: list[DiffStep], located: Located) -> str:
    """Return the name of a shortcut in He et al.: identity, projection, zero padding."""
    kinds = {step.node.kind for step in row if isinstance(step.node, Op)}
    if not row:
        return "identity"
    return (
        "projection"
        if "conv" in kinds
        else "zero padding"
        if "pad_channels" in kinds
        else summary(located)
    )


def _fields(op: Op, turn: int | None) -> dict[str, Any]:
    return vars(op.layer if turn is None else op.layer.at(turn))


def _starts(a: Op, b: Op) -> Iterator[Difference]:
    x, y = _law(a), _law(b)
    if x["init"] != y["init"]:
        yield "init", _words(x), _words(y)
    else:
        yield from (
            (f"init {name}", _value(x[name]), _value(y[name]))
            for name in x
            if name in y and x[name] != y[name]
        )


def _law(op: Op) -> dict[str, Any]:
    if op.init is None:
        return {"init": "default"}
    bias = {"bias": op.init.bias} if "bias" in op.layer.parameters(op.input) else {}
    return {"init": op.init.law, **dict(op.init.arguments), **bias}


def _words(law: dict[str, Any]) -> str:
    return " ".join(
        [
            law["init"],
            *(f"{name}={_value(law[name])}" for name in law if name not in ("init", "bias")),
        ]
    )


def _value(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case (int(), int()):
            size = short(value)
            return "x".join(map(str, size)) if isinstance(size, tuple) else str(size)
        case Fraction() if value.denominator != 1:
            return f"{float(value):.4g}"
        case _:
            return str(value)
