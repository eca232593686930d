"""Convolutions and linear layers."""

from __future__ import annotations

from typing import Any

from resspec.importing.lift.arranged import Arranged
from resspec.importing.lift.lifter import Handler, Lifter
from resspec.importing.lift.numbers import size
from resspec.importing.lift.problems import Problem
from resspec.importing.lift.weights import dims_of
from resspec.ir.ops.conv import Conv, Fc, Linear, Upconv


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
    out_channels, _, *kernel = dims_of(weight)
    dilation = size(dilation)
    if isinstance(padding, str):
        padding = _padding(padding, kernel, dilation)
    layer = Conv(
        kernel_size=size(kernel),
        out_channels=out_channels,
        stride=size(stride),
        padding=size(padding),
        dilation=dilation,
        groups=groups,
        bias=bias is not None,
    )
    return to.weighted(layer, input, {"weight": weight, "bias": bias})


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
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "linear": linear,
}
