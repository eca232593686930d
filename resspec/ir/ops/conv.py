"""Contractions: what has weights, and multiply-accumulates. Fields and formulas are those of torch
2.9 and later.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, ClassVar

from resspec.ir.ops.layer import (
    ONE,
    Call,
    Count,
    Extent,
    Flag,
    Kept,
    Layer,
    Padding,
    Positive,
    Real,
    ShapeError,
    Size,
    Steps,
    Strides,
    Tensors,
    divisible,
    merged_stride,
    need_image,
)
from resspec.ir.ops.window import SAME, Windowed, complete_padding, window_output, window_reach
from resspec.ir.shape import Shape


class Contraction(Layer):
    """A layer with a weight that its inputs are multiplied with."""

    weighted: ClassVar = True
    layout: ClassVar = "contiguous"
    bias: Flag

    def _tensors(self, weight: tuple[int, ...], width: int) -> Tensors:
        return {"weight": weight, "bias": (width,)} if self.bias else {"weight": weight}

    def elementwise(self, x: Shape, y: Shape) -> int:
        return y.elements if self.bias else 0

    def saves_input(self) -> bool:
        return True


@dataclass(eq=False, repr=False)
class Conv(Windowed, Contraction):
    """Convolution. No bias unless given; pads `dilation * (k // 2)` where k is odd, nothing where
    it is even.
    """

    kind: ClassVar = "conv"
    module: ClassVar = "Conv2d"
    torch_defaults: ClassVar = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}
    positional: ClassVar = ("kernel_size", "out_channels")
    torch_positional: ClassVar = ("in_channels", "out_channels", "kernel_size")

    kernel_size: Size
    out_channels: Count
    stride: Size = ONE
    padding: Padding = (0, 0)
    dilation: Size = ONE
    groups: Count = 1
    bias: Flag = False

    def window_dilation(self) -> Size:
        return self.dilation

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        check_groups(x.channels, self.out_channels, self.groups)
        size = window_output(x.spatial, self.kernel_size, self.stride, self.padding, self.dilation)
        return Shape((self.out_channels, *size))

    def parameters(self, x: Shape) -> Tensors:
        weight = (self.out_channels, x.channels // self.groups, *self.kernel_size)
        return self._tensors(weight, self.out_channels)

    def macs(self, x: Shape, y: Shape) -> int:
        return y.elements * (x.channels // self.groups) * prod(self.kernel_size)

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        return window_reach(self.kernel_size, self.stride, self.dilation)


@dataclass(eq=False, repr=False)
class StdConv(Conv):
    """A convolution whose weight is standardized for each output channel, before it is applied
    (Qiao et al. 2019), as in BiT.
    """

    kind: ClassVar = "std_conv"
    module: ClassVar = "StdConv2d"
    torch_defaults: ClassVar = Conv.torch_defaults | {"eps": 1e-6}
    eps: Positive = Fraction(1, 10**6)

    def infer(self, x: Shape) -> Shape:
        y = super().infer(x)
        _, *of_a_channel = self.parameters(x)["weight"]
        if prod(of_a_channel) == 1:
            raise ShapeError(
                "E0303",
                f"`{self.kind}` standardizes each output channel's weights, but it has only one",
                "use `conv`, or a larger kernel",
            )
        return y

    def call(self, x: Shape) -> Call:
        made = super().call(x)
        if self.padding != SAME:
            return made
        return Call(self.module, made.args, made.kwargs | {"same": True})

    def derived(self, x: Shape) -> int:
        return prod(self.parameters(x)["weight"])

    def keeps(self, x: Shape, y: Shape) -> Kept:
        """Return the mean and deviation of each channel's weight, and what a convolution keeps."""
        return Kept(fixed_statistics=2 * self.out_channels, fixed_values=self.derived(x))

    def keeps_frozen(self, x: Shape, y: Shape) -> Kept:
        return Kept(fixed_values=prod(self.parameters(x)["weight"]))


@dataclass(eq=False, repr=False)
class ScaledStdConv(StdConv):
    """A standardized convolution with a learned gain for each output channel, scaled by gamma over
    the root of the fan-in (Brock et al. 2021), as in NFNet.
    """

    kind: ClassVar = "scaled_std_conv"
    module: ClassVar = "ScaledStdConv2d"
    torch_defaults: ClassVar = StdConv.torch_defaults | {"gamma": 1.0, "gain_init": 1.0}
    bias: Flag = True
    gamma: Real = Fraction(1)
    gain_init: Real = Fraction(1)

    def parameters(self, x: Shape) -> Tensors:
        return super().parameters(x) | {"gain": (self.out_channels, 1, 1, 1)}

    def derived(self, x: Shape) -> int:
        """Return the elements of the standardized weight, and of the scaled gains."""
        return super().derived(x) + self.out_channels


@dataclass(eq=False, repr=False)
class Upconv(Contraction):
    """Transposed convolution, which enlarges by its stride."""

    kind: ClassVar = "upconv"
    module: ClassVar = "ConvTranspose2d"
    torch_defaults: ClassVar = {
        "stride": 1,
        "padding": 0,
        "output_padding": 0,
        "groups": 1,
        "bias": True,
        "dilation": 1,
    }
    positional: ClassVar = ("kernel_size", "out_channels")
    torch_positional: ClassVar = ("in_channels", "out_channels", "kernel_size")

    kernel_size: Size
    out_channels: Count
    stride: Size = ONE
    padding: Extent = (0, 0)
    output_padding: Extent = (0, 0)
    dilation: Size = ONE
    groups: Count = 1
    bias: Flag = False

    @classmethod
    def complete(cls, given: dict[str, Any]) -> None:
        complete_padding(given)

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        check_groups(x.channels, self.out_channels, self.groups)
        steps = [max(each) for each in zip(self.stride, self.dilation, strict=True)]
        if any(o >= step for o, step in zip(self.output_padding, steps, strict=True)):
            most = max(min(steps) - 1, 0)
            raise ShapeError(
                "E0303",
                "`output_padding` must be smaller than the stride or the dilation",
                f"use `output_padding={most}` at most",
                "output_padding",
            )
        size = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + o + 1
            for n, k, s, p, o, d in zip(
                x.spatial,
                self.kernel_size,
                self.stride,
                self.padding,
                self.output_padding,
                self.dilation,
                strict=True,
            )
        )
        if min(size) < 1:
            raise ShapeError(
                "E0303",
                f"nothing is left of {x}: the padding takes away more than the kernel adds",
                "use a smaller `padding`",
                "padding",
            )
        return Shape((self.out_channels, *size))

    def parameters(self, x: Shape) -> Tensors:
        weight = (x.channels, self.out_channels // self.groups, *self.kernel_size)
        return self._tensors(weight, self.out_channels)

    def macs(self, x: Shape, y: Shape) -> int:
        return x.elements * (self.out_channels // self.groups) * prod(self.kernel_size)

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        """Return those of the output that reads most."""
        sizes = zip(self.kernel_size, self.stride, self.dilation, strict=True)
        height, width = (-(-(d * (k - 1) + 1) // s) for k, s, d in sizes)
        return (height, width), (Fraction(1, self.stride[0]), Fraction(1, self.stride[1]))


@dataclass(eq=False, repr=False)
class ChannelConvOp(Contraction):
    """A 1D convolution across the pooled channels, Cx1x1, as if they were positions (ECA, Wang et
    al. 2020).
    """

    kind: ClassVar = "channel_conv"
    module: ClassVar = "ChannelConv"
    torch_defaults: ClassVar = {"bias": False}
    positional: ClassVar = ("kernel_size",)
    torch_positional: ClassVar = ("kernel_size",)

    kernel_size: Count
    bias: Flag = False

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        if x.spatial != ONE:
            raise ShapeError(
                "E0302",
                f"`channel_conv` reads one number for each channel, Cx1x1, but its input is {x}",
                "put `avgpool` before it",
            )
        if self.kernel_size % 2 == 0:
            raise ShapeError(
                "E0303",
                f"a kernel of {self.kernel_size} has no middle channel",
                f"use `channel_conv {self.kernel_size + 1}`",
                "kernel_size",
            )
        return x

    def parameters(self, x: Shape) -> Tensors:
        return self._tensors((1, 1, self.kernel_size), 1)

    def macs(self, x: Shape, y: Shape) -> int:
        return y.elements * self.kernel_size


@dataclass(eq=False, repr=False)
class Linear(Contraction):
    """A linear layer over the last axis."""

    kind: ClassVar = "linear"
    module: ClassVar = "Linear"
    torch_defaults: ClassVar = {"bias": True}
    positional: ClassVar = ("out_features",)
    torch_positional: ClassVar = ("in_features", "out_features")

    out_features: Count
    bias: Flag = True

    def infer(self, x: Shape) -> Shape:
        if x.is_image:
            raise ShapeError(
                "E0302",
                f"`{self.kind}` reads the last axis, which in {x} is the width",
                "put `to_last` before it, or use `fc`, which flattens",
            )
        return x.with_channels(self.out_features)

    def parameters(self, x: Shape) -> Tensors:
        return self._tensors((self.out_features, x.channels), self.out_features)

    def macs(self, x: Shape, y: Shape) -> int:
        return y.elements * x.channels

    def saves_input_frozen(self) -> bool:
        return False

    def copies(self, x: Shape, strides: Strides, storage: int) -> bool:
        """Return whether the axes before the last cannot be taken for one; a flat input has the
        batch alone.
        """
        return (
            len(x.dims) > 1
            and merged_stride((storage, *x.dims)[:-1], (storage, *strides)[:-1]) is None
        )


class Fc(Linear):
    """The fully connected layer of a head: what it reads is flattened first."""

    kind: ClassVar = "fc"


def check_groups(channels: int, out_channels: int, groups: int) -> None:
    """Raises ShapeError unless the groups divide both sides."""
    for side, width in (("input", channels), ("output", out_channels)):
        if width % groups:
            raise ShapeError(
                "E0304",
                f"{width} {side} channels cannot be split into {groups} equal groups",
                divisible(groups, channels, out_channels),
                "groups",
            )
