"""Differences between two layers of one kind: of their fields, and of how their weights start."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from resspec.backends.diff.steps import DiffStep
from resspec.ir.nodes import Op
from resspec.ir.ops.layer import short

Difference = tuple[str, str, str]  # the name of the field, its values before and after


def fields(a: DiffStep, b: DiffStep) -> Iterator[Difference]:
    """Yield the fields of two layers, and how their weights start, where these differ."""
    x, y = _fields(a), _fields(b)
    x.pop("inplace", None)
    yield from _differing(x, y)

    x, y = _initializer(a.node), _initializer(b.node)
    if x["init"] != y["init"]:
        yield "init", _call(x), _call(y)
    else:
        for name, before, after in _differing(x, y):
            yield f"init {name}", before, after


def _fields(step: DiffStep) -> dict[str, Any]:
    assert isinstance(step.node, Op)
    layer = step.node.layer
    return dict(vars(layer if step.turn is None else layer.at(step.turn)))


def _initializer(op: object) -> dict[str, Any]:
    assert isinstance(op, Op)
    if op.init is None:
        return {"init": "default"}
    found: dict[str, Any] = {"init": op.init.law, **dict(op.init.arguments)}
    if "bias" in op.layer.parameters(op.input):
        found["bias"] = op.init.bias
    return found


def _differing(a: dict[str, Any], b: dict[str, Any]) -> Iterator[Difference]:
    for name, value in a.items():
        if name in b and value != b[name]:
            yield name, _text(value), _text(b[name])


def _call(initializer: dict[str, Any]) -> str:
    """Return an initializer with its arguments: `normal mean=0 std=0.01`."""
    init, *arguments = [item for item in initializer.items() if item[0] != "bias"]
    return " ".join([init[1], *(f"{name}={_text(value)}" for name, value in arguments)])


def _text(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case (int(), int()):
            size = short((value[0], value[1]))
            return "x".join(map(str, size)) if isinstance(size, tuple) else str(size)
        case Fraction() if value.denominator != 1:
            return f"{float(value):.4g}"
        case _:
            return str(value)
