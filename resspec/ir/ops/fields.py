"""A layer's fields as JSON values and back, by their annotations."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import Any

from resspec.ir.ops import OPS
from resspec.ir.ops.layer import Layer, Ramp
from resspec.ir.shape import exact

MOST = 1 << 24  # of a count or a side


def layer_to_json(layer: Layer) -> dict[str, Any]:
    """Return `{"kind": …, field: value …}`.

    Sizes become lists, exact numbers strings, and a ramp a list of its start and step.
    """
    return {"kind": layer.kind, **{name: _to_json(value) for name, value in vars(layer).items()}}


def layer_from_json(data: Any) -> Layer:
    """Raises ValueError for what no layer has; a layer passes as it is."""
    if isinstance(data, Layer):
        return data
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("kind"), str)
        or data["kind"] not in OPS
    ):
        raise ValueError(f"{data!r:.80} is not a layer")
    op = OPS[data["kind"]]
    known = {f.name: str(f.type) for f in fields(op)}
    given = {name: value for name, value in data.items() if name != "kind"}
    if unknown := given.keys() - known.keys():
        raise ValueError(f"`{op.kind}` has no {', '.join(sorted(unknown))}")
    for name, words in op.choices.items():
        if given.get(name, words[0]) not in words:
            raise ValueError(f"{given[name]!r:.40} is not one of {', '.join(words)}")
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
    kind, _, optional = annotation.partition(" | ")
    match kind, value:
        case _, None if optional:
            return None
        case "Real" | "Positive" | "Probability", str():
            return exact(value)
        case "Real" | "Positive" | "Probability", [str(start), str(step)]:
            return Ramp(exact(start), exact(step))
        case "Size" | "Extent", [height, width] if _is_whole(height, kind == "Size") and _is_whole(
            width, kind == "Size"
        ):
            return (height, width)
        case "Padding", str() if value == "same":
            return value
        case "Padding", [height, width] if _is_whole(height, False) and _is_whole(width, False):
            return (height, width)
        case "Count" | "Index", int() if _is_whole(value, kind == "Count"):
            return value
        case ("Flag", bool()) | ("Word", str()):
            return value
        case _:
            raise ValueError(f"{value!r:.40} is not a {annotation}")


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MOST
