"""A layer's fields as JSON values and back, by their annotations."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import Any

from resspec.ir.ops import OPS
from resspec.ir.ops.layer import Layer, Ramp


def layer_to_json(layer: Layer) -> dict[str, Any]:
    """`{"kind": …, field: value …}`: sizes as lists, exact numbers as strings, a ramp as `[start, step]`."""
    return {"kind": layer.kind, **{name: _to_json(value) for name, value in vars(layer).items()}}


def layer_from_json(data: Any) -> Layer:
    """Raises ValueError for what no layer has; a layer passes as it is."""
    if isinstance(data, Layer):
        return data
    if not isinstance(data, dict) or data.get("kind") not in OPS:
        raise ValueError(f"no layer: {data!r}")
    op = OPS[data["kind"]]
    known = {f.name: str(f.type) for f in fields(op)}
    given = {name: value for name, value in data.items() if name != "kind"}
    if unknown := given.keys() - known.keys():
        raise ValueError(f"`{op.kind}` has no {', '.join(sorted(unknown))}")
    try:
        return op(**{name: _from_json(value, known[name]) for name, value in given.items()})
    except TypeError as error:
        raise ValueError(str(error)) from error


def _to_json(value: Any) -> Any:
    match value:
        case Ramp(start, step):
            return [str(start), str(step)]
        case Fraction():
            return str(value)
        case tuple():
            return list(value)
        case _:
            return value


def _from_json(value: Any, annotation: str) -> Any:
    match value:
        case str():
            return Fraction(value)
        case [str(start), str(step)]:
            return Ramp(Fraction(start), Fraction(step))
        case [int(height), int(width)] if annotation.startswith(("Size", "Extent")):
            return (height, width)
        case bool() if annotation.startswith("Flag"):
            return value
        case int() if annotation.startswith(("Count", "Index")) and not isinstance(value, bool):
            return value
        case None if annotation.endswith("None"):
            return None
        case _:
            raise ValueError(f"{value!r} is no {annotation}")
