"""Convolutions and linear layers."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any, TypeGuard

from resspec.importing.lift.arranged import Arranged, plain
from resspec.importing.lift.lifter import Handler, Lifter
from resspec.importing.lift.numbers import exact, size
from resspec.importing.lift.problems import Problem
from resspec.importing.lift.weights import Standardized, dims_of
from resspec.importing.lift.windows import fields
from resspec.ir.ops.conv import (
    ChannelConvOp,
    Conv,
    Fc,
    Linear,
    ScaledStdConv,
    StdConv,
    Upconv,
)
from resspec.ir.ops.layer import ONE


def conv2d(
    to: Lifter,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Arranged:
    standardized = isinstance(weight, Standardized)
    out_channels, _, *kernel = dims_of(weight.weight if standardized else weight)
    dilation = size(dilation)
    if isinstance(padding, str):
        padding = _padding(padding, kernel, dilation)
    given, value = fields(to, input, kernel, stride, padding, dilation)
    given |= {"out_channels": out_channels, "groups": groups, "bias": bias is not None}
    Conv.complete(given)
    if isinstance(weight, Standardized):
        return _standardized(to, given, value, weight, bias)
    return to.weighted(Conv(**given), value, {"weight": weight, "bias": bias})


def _standardized(
    to: Lifter, given: dict[str, Any], value: Any, weight: Standardized, bias: Any
) -> Arranged:
    eps = exact(weight.eps)
    tensors = {"weight": weight.weight, "bias": bias}
    if weight.gain is None:
        return to.weighted(StdConv(**given, eps=eps), value, tensors)
    gamma = _gamma(weight.gain.factor, prod(weight.weight.dims[1:]))
    layer = ScaledStdConv(**given, eps=eps, gamma=gamma)
    return to.weighted(layer, value, tensors | {"gain": weight.gain.weight})


def _gamma(factor: float, inputs: int) -> Fraction:
    """Return the shortest number that gives this factor, times `inputs ** -0.5`."""
    close = factor / inputs**-0.5
    for digits in range(18):
        gamma = float(f"{close:.{digits}f}")
        if gamma * inputs**-0.5 == factor:
            return exact(gamma)
    raise Problem(f"its gain is scaled by {factor}", "`scaled_std_conv` divides by a root")


def conv1d(
    to: Lifter,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Arranged:
    """Return a convolution along the channels of a pooled value, as in ECA."""
    out, of_a_group, kernel = dims_of(weight)
    if not _is_along_channels(input) or (out, of_a_group, groups) != (1, 1, 1):
        raise Problem("a convolution along one axis", "`channel_conv` reads pooled channels")
    window = [each if isinstance(each, int) else each[0] for each in (stride, padding, dilation)]
    if window != [1, kernel // 2, 1]:
        raise Problem("it has a stride, or another padding", "`channel_conv` keeps the channels")
    layer = ChannelConvOp(kernel_size=kernel, bias=bias is not None)
    pooled = plain(input.step, input.shape)
    result = to.weighted(layer, pooled, {"weight": weight, "bias": bias})
    return input.moved(result.step, result.shape)


def _is_along_channels(input: Any) -> TypeGuard[Arranged]:
    """Return whether a value is Cx1x1, viewed as one row of C."""
    if not isinstance(input, Arranged) or input.shape.spatial != ONE:
        return False
    return input.axes == (((0, 0),), (), ((1, 0),))


def _padding(word: str, kernel: list[int], dilation: tuple[int, int]) -> tuple[int, int]:
    if word == "valid":
        return 0, 0
    around = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if any(n % 2 for n in around):
        raise Problem("`padding='same'` of an even kernel pads more at the end")
    return around[0] // 2, around[1] // 2


def conv_transpose2d(
    to: Lifter,
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Arranged:
    _, of_a_group, *kernel = dims_of(weight)
    layer = Upconv(
        kernel_size=size(kernel),
        out_channels=of_a_group * groups,
        stride=size(stride),
        padding=size(padding),
        output_padding=size(output_padding),
        dilation=size(dilation),
        groups=groups,
        bias=bias is not None,
    )
    return to.weighted(layer, input, {"weight": weight, "bias": bias})


def linear(to: Lifter, input: Any, weight: Any, bias: Any = None) -> Arranged:
    value = to.settled(input)
    out_features, _ = dims_of(weight)
    kind = Fc if len(value.shape.dims) == 1 else Linear
    layer = kind(out_features=out_features, bias=bias is not None)
    return to.weighted(layer, value, {"weight": weight, "bias": bias})


CONTRACTIONS: dict[str, Handler] = {
    "conv1d": conv1d,
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "linear": linear,
}
