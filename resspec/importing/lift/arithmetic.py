"""Sums, products and concatenation."""

from __future__ import annotations

from typing import Any

from resspec.importing.lift.arranged import Arranged, plain
from resspec.importing.lift.lifter import Handler, Lifter
from resspec.importing.lift.numbers import exact
from resspec.importing.lift.pointwise import pointwise
from resspec.importing.lift.problems import Problem
from resspec.importing.lift.settling import layers_of
from resspec.importing.lift.weights import Viewed
from resspec.importing.trace import Weight
from resspec.ir.nodes import Merge
from resspec.ir.ops.activation import SquareOp
from resspec.ir.ops.factors import GainOp, ScaleOp, ShiftOp
from resspec.ir.ops.layer import Layer
from resspec.ir.ops.regularize import LayerScaleOp

Number = int | float


def add(to: Lifter, input: Any, other: Any, *, alpha: Any = 1) -> Any:
    if alpha != 1:
        raise Problem(f"a sum with a factor of {alpha}", "`scale` multiplies by a number")
    return _combined(to, "add", input, other)


def mul(to: Lifter, input: Any, other: Any) -> Any:
    return _combined(to, "mul", input, other)


def reversed_add(to: Lifter, input: Any, other: Any) -> Any:
    return add(to, other, input)


def reversed_mul(to: Lifter, input: Any, other: Any) -> Any:
    return mul(to, other, input)


def sub(to: Lifter, input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """Return a sum with what is subtracted times -1, which is the same number."""
    if isinstance(other, int | float):
        return add(to, input, -other, alpha=alpha)
    return add(to, input, mul(to, other, -1), alpha=alpha)


def reversed_sub(to: Lifter, input: Any, other: Any) -> Any:
    return add(to, mul(to, input, -1), other)


def neg(to: Lifter, input: Any) -> Any:
    return mul(to, input, -1)


def div(to: Lifter, input: Any, other: Any) -> Any:
    if not isinstance(other, int | float) or not other:
        raise Problem("it divides by something that is not a number")
    if not exact(1 / other) * exact(other) == 1:
        raise Problem(f"it divides by {other}", f"`scale 1 / {other}` rounds differently")
    return mul(to, input, 1 / other)


def _combined(to: Lifter, merge: Merge, a: Any, b: Any) -> Any:
    match a, b:
        case Arranged(), Arranged():
            return _merged(to, merge, a, b)
        case (Arranged(), Weight() | Viewed()) | (Weight() | Viewed(), Arranged()):
            value, weight = (a, b) if isinstance(a, Arranged) else (b, a)
            return _learned(to, merge, value, weight)
        case (Arranged(), int() | float()) | (int() | float(), Arranged()):
            value, number = (a, b) if isinstance(a, Arranged) else (b, a)
            return _with_number(to, merge, value, number)
        case (Weight() | Viewed() as weight, int() | float() as number) if merge == "mul":
            return _scaled(weight, number)
        case _:
            raise Problem("it computes with a value that does not depend on the network's input")


def _with_number(to: Lifter, merge: Merge, value: Arranged, number: Number) -> Any:
    if merge == "add":
        if number == 0:
            return value
        raise Problem(f"it adds {number}", "`shift` adds a learned number")
    return value if number == 1 else pointwise(to, ScaleOp(factor=exact(number)), value)


def _scaled(weight: Weight | Viewed, number: Number) -> Viewed:
    if isinstance(weight, Weight):
        return Viewed(weight, weight.dims, number)
    return Viewed(weight.weight, weight.dims, weight.factor * number)


# --- two values ---


def _merged(to: Lifter, merge: Merge, a: Arranged, b: Arranged) -> Arranged:
    if a == b and merge == "mul":
        return pointwise(to, SquareOp(), a)
    if _is_readable(a) and _is_readable(b):
        return to.merge(merge, (a, b))
    if not _agree(a, b):
        raise Problem(f"`{merge}` of values whose axes are arranged differently")
    paths = (plain(a.step, a.shape), plain(b.step, b.shape))
    larger = max(a, b, key=lambda each: each.shape.elements)
    merged = to.merge(merge, paths)
    return Arranged(merged.step, merged.shape, larger.factors, larger.axes)


def _is_readable(value: Arranged) -> bool:
    return value.is_plain or layers_of(value) is not None


def _agree(a: Arranged, b: Arranged) -> bool:
    """Return whether both are arranged in the same way, but for axes of one element."""
    if len(a.axes) != len(b.axes) or len(a.factors) != len(b.factors):
        return False
    same_axes = all(x == y or not x or not y for x, y in zip(a.axes, b.axes, strict=True))
    pairs = zip(a.factors, b.factors, strict=True)
    return same_axes and all(x == y or not x or not y for x, y in pairs)


# --- a value and a parameter ---


def _learned(to: Lifter, merge: Merge, value: Arranged, operand: Weight | Viewed) -> Arranged:
    viewed = operand if isinstance(operand, Viewed) else Viewed(operand, operand.dims)
    weight = viewed.weight
    value = to.settled(value)
    if viewed.factor != 1:
        raise Problem("its parameter is multiplied by a number before")
    if not weight.is_parameter:
        raise Problem("it computes with a buffer", "`gain` and `shift` have a parameter")
    word = _word(value, weight, viewed.dims)
    module = to.classes.get(weight.path[:-1], "")
    if merge == "mul" and module.startswith("LayerScale") and weight.path[-1] == "gamma":
        layer: Layer = LayerScaleOp()
        if layer.parameters(value.shape)["gamma"] == weight.dims:
            return to.weighted(layer, value, {"gamma": weight})
    operand_layer = GainOp(shape=word) if merge == "mul" else ShiftOp(shape=word)
    return to.parameter(operand_layer, value, weight)


def _word(value: Arranged, weight: Weight, dims: tuple[int, ...]) -> str:
    """Return the language's word for the sizes of a parameter that meets a value."""
    if weight.dims in ((), (1,)):
        return "one" if weight.dims else "scalar"
    channels = value.shape.channels
    axes = len(value.axes)
    aligned = (1,) * (axes - len(dims)) + dims
    expected = tuple(channels if axis == value.channel_axis else 1 for axis in range(axes))
    if aligned == expected and weight.dims == (channels,):
        return "C"
    if aligned == expected and weight.dims == (channels, 1, 1) and value.shape.is_image:
        return "Cx1x1"
    sizes = "x".join(map(str, weight.dims))
    raise Problem(
        f"a parameter of {sizes} beside {value.shape}", "`gain` has `shape=C` and `shape=Cx1x1`"
    )


# --- several values ---


def cat(to: Lifter, tensors: Any, dim: int = 0) -> Any:
    if len(tensors) == 1:
        return tensors[0]
    values = [to.settled(each) for each in tensors]
    first = values[0]
    if dim % len(first.axes) != first.channel_axis:
        raise Problem(f"`{to.call.name}` along axis {dim}", "`concat` is along the channels")
    return to.merge("concat", values)


def stack(to: Lifter, tensors: Any, dim: int = 0) -> Any:
    """Return a concatenation whose channels are split into the stacked values."""
    joined = cat(to, tensors, 1)
    if dim != 1 or not joined.shape.is_image:
        raise Problem(f"`stack` along axis {dim}")
    return joined.reshaped(to.call.result.dims)


ARITHMETIC: dict[str, Handler] = {
    "add": add,
    "iadd": add,
    "radd": reversed_add,
    "sub": sub,
    "isub": sub,
    "rsub": reversed_sub,
    "neg": neg,
    "mul": mul,
    "multiply": mul,
    "imul": mul,
    "rmul": reversed_mul,
    "div": div,
    "truediv": div,
    "cat": cat,
    "concat": cat,
    "stack": stack,
}
