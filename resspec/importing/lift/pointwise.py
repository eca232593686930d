"""Functions of each element, and layers that act only in training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resspec.importing.lift.arranged import Arranged, plain
from resspec.importing.lift.lifter import Handler, Lifter
from resspec.importing.lift.numbers import exact
from resspec.importing.lift.problems import Problem
from resspec.importing.lift.settling import layers_of
from resspec.importing.lift.weights import dims_of
from resspec.ir.ops.activation import (
    Celu,
    Elu,
    Gelu,
    Hardsigmoid,
    Hardswish,
    LeakyRelu,
    Mish,
    Relu,
    Relu6,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    SquareOp,
    Tanh,
)
from resspec.ir.ops.factors import Prelu
from resspec.ir.ops.layer import Layer
from resspec.ir.ops.regularize import Dropout, DropPathOp


def pointwise(to: Lifter, layer: Layer, input: Any) -> Arranged:
    """Return the value of a layer that may as well run before its input's axes are arranged."""
    if isinstance(input, Arranged) and not input.is_plain and layers_of(input) is None:
        result = to.layer(layer, plain(input.step, input.shape))
        return input.moved(result.step, result.shape)
    return to.layer(layer, input)


def _of(layer: Layer) -> Callable[..., Arranged]:
    def lifted(to: Lifter, input: Any, inplace: bool = False) -> Arranged:
        return pointwise(to, layer, input)

    return lifted


def gelu(to: Lifter, input: Any, approximate: str = "none") -> Arranged:
    return pointwise(to, Gelu(tanh=approximate == "tanh"), input)


def leaky_relu(
    to: Lifter, input: Any, negative_slope: float = 0.01, inplace: bool = False
) -> Arranged:
    return pointwise(to, LeakyRelu(negative_slope=exact(negative_slope)), input)


def elu(to: Lifter, input: Any, alpha: float = 1.0, inplace: bool = False) -> Arranged:
    return pointwise(to, Elu(alpha=exact(alpha)), input)


def celu(to: Lifter, input: Any, alpha: float = 1.0, inplace: bool = False) -> Arranged:
    return pointwise(to, Celu(alpha=exact(alpha)), input)


def softplus(to: Lifter, input: Any, beta: float = 1.0, threshold: float = 20.0) -> Arranged:
    return pointwise(to, Softplus(beta=exact(beta), threshold=exact(threshold)), input)


def hardtanh(
    to: Lifter, input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Arranged:
    return _clipped(to, input, min_val, max_val)


def clamp(to: Lifter, input: Any, min: Any = None, max: Any = None) -> Arranged:
    return _clipped(to, input, min, max)


def _clipped(to: Lifter, input: Any, least: Any, most: Any) -> Arranged:
    match least, most:
        case 0, 6:
            return pointwise(to, Relu6(), input)
        case 0, None:
            return pointwise(to, Relu(), input)
        case _:
            raise Problem(f"it clips to [{least}, {most}]", "`relu6` clips to [0, 6]")


def power(to: Lifter, input: Any, exponent: Any) -> Arranged:
    if exponent != 2:
        raise Problem(f"a power of {exponent}", "`square` is the power of 2")
    return pointwise(to, SquareOp(), input)


def prelu(to: Lifter, input: Any, weight: Any) -> Arranged:
    (count,) = dims_of(weight)
    return to.weighted(Prelu(num_parameters=count), input, {"weight": weight})


def softmax(
    to: Lifter, input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Arranged:
    if not isinstance(input, Arranged) or dim is None:
        raise Problem("a softmax without an axis")
    over = input.axes[dim % len(input.axes)]
    channels = input.channel_axis
    if input.is_plain and over == ((channels, 0),):
        return to.layer(Softmax(), input)
    if over == ((channels, 0),) and not input.shape.last:
        return pointwise(to, Softmax(parts=input.size((channels, 0))), input)
    value = to.settled(input)
    if dim % len(input.axes) == value.channel_axis:
        return to.layer(Softmax(), value)
    raise Problem(f"a softmax over axis {dim}", "`softmax` is over the channels")


def dropout(
    to: Lifter, input: Any, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Any:
    if training:
        raise Problem("it drops values in eval mode too", "pass `training=self.training`")
    return pointwise(to, Dropout(p=exact(p)), input) if p else input


def whole_channels_dropout(
    to: Lifter, input: Any, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Any:
    if p:
        raise Problem("it drops whole channels", "`dropout` drops single values")
    return input


def drop_path(
    to: Lifter,
    input: Any,
    drop_prob: float | None = None,
    p: float | None = None,
    scale_by_keep: bool = True,
    **_: Any,
) -> Any:
    probability = drop_prob or p
    if not probability:
        return input
    if not scale_by_keep:
        raise Problem("it does not scale what it keeps", "`drop_path` does")
    return pointwise(to, DropPathOp(p=exact(probability)), input)


def stochastic_depth(to: Lifter, input: Any, p: float, mode: str, **_: Any) -> Any:
    if mode != "row" and p:
        raise Problem("it drops whole batches", "`drop_path` drops samples")
    return pointwise(to, DropPathOp(p=exact(p)), input)


POINTWISE: dict[str, Handler] = {
    "relu": _of(Relu()),
    "relu6": _of(Relu6()),
    "silu": _of(Silu()),
    "sigmoid": _of(Sigmoid()),
    "hardswish": _of(Hardswish()),
    "hardsigmoid": _of(Hardsigmoid()),
    "mish": _of(Mish()),
    "tanh": _of(Tanh()),
    "square": _of(SquareOp()),
    "gelu": gelu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "celu": celu,
    "softplus": softplus,
    "hardtanh": hardtanh,
    "clamp": clamp,
    "clip": clamp,
    "pow": power,
    "prelu": prelu,
    "softmax": softmax,
    "dropout": dropout,
    "dropout2d": whole_channels_dropout,
    "DropPath": drop_path,
    "StochasticDepth": stochastic_depth,
}
