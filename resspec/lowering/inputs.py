"""The shape of a network's input: as its clause says, or as a size from outside replaces it."""

from __future__ import annotations

from resspec.ir.shape import Shape
from resspec.lowering import argument_errors
from resspec.lowering.conversion import convert
from resspec.lowering.frame import Frame
from resspec.lowering.tensors import fits
from resspec.lowering.values import UNKNOWN, Unknown, Value, describe
from resspec.syntax import ast


def input_shape(clause: ast.Input, given: ast.Input | None, frame: Frame) -> Shape | None:
    """Return the shape that a clause declares, or that replaces it from outside.

    A size from outside keeps the clause's channels. None where something was reported.
    """
    own = _shape(clause, None, frame)
    if given is None or own is None:
        return own
    return _shape(given, own.channels if own.is_image else None, frame)


def _shape(clause: ast.Input, channels: int | None, frame: Frame) -> Shape | None:
    dims = _dims(clause, frame)
    if any(isinstance(dim, Unknown) for dim in dims):
        return None
    if channels is not None and len(dims) in (1, 2):
        dims = (channels, dims[0], dims[-1])

    span = clause.span
    if clause.size is None:
        span = clause.value.span
    if len(dims) not in (1, 3):
        needs = f"channels, height and width: `{_completed(*dims)}`"
        frame.report(argument_errors.wrong_kind(span, "an input", needs, span.text))
        return None
    sides = [convert(dim, "Count", "a side of the input", span, frame.report) for dim in dims]
    if UNKNOWN in sides:
        return None
    shape = Shape(tuple(sides))
    return shape if fits("the input", shape.elements, span, frame.report) else None


def _dims(clause: ast.Input, frame: Frame) -> tuple[Value, ...]:
    """Return the sides as written; of a size after channels, one number is a square."""
    value = frame.value(clause.value)
    if clause.size is None:
        return value if isinstance(value, tuple) else (value,)
    size = frame.value(clause.size)
    sides = size if isinstance(size, tuple) else (size, size)
    if isinstance(value, tuple):
        needs = "a number, as in `input 3, 224x224`"
        span, argument = clause.value.span, "the channels of an input"
        frame.report(argument_errors.wrong_kind(span, argument, needs, describe(value)))
        return (UNKNOWN,)
    if len(sides) != 2:
        needs = "height and width, as in `input 3, 224x224`"
        span, argument = clause.size.span, "the size of an input"
        frame.report(argument_errors.wrong_kind(span, argument, needs, describe(size)))
        return (UNKNOWN,)
    return value, *sides


def _completed(a: object, b: object) -> str:
    """Return the likely meaning of an input of two sides, one of which may be channels."""
    if a in (1, 3, 4):
        return f"{a}x{b}x{b}"
    return f"{b}x{a}x{a}" if b in (1, 3, 4) else f"3x{a}x{b}"
