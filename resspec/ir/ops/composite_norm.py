"""Norms that torch or timm compute by several operations."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from resspec.ir.ops.composite import Composite, Operation, Operations
from resspec.ir.ops.layer import (
    Call,
    Count,
    Flag,
    Positive,
    Real,
    ShapeError,
    Tensors,
    need_equal_groups,
    need_image,
)
from resspec.ir.ops.norm import Norm
from resspec.ir.shape import Shape


@dataclass(eq=False, repr=False)
class ChannelNorm(Composite, Norm):
    """A norm over the channels, of each pixel of CxHxW or of the last axis; without a bias."""

    torch_defaults: ClassVar = {"eps": 1e-6, "affine": True}
    torch_positional: ClassVar = ("channels",)
    eps: Positive = Fraction(1, 10**6)
    affine: Flag = True

    def parameters(self, x: Shape) -> Tensors:
        return {"weight": (x.channels,)} if self.affine else {}

    def call(self, x: Shape) -> Call:
        made = super().call(x)
        if x.is_image:
            made.kwargs["spatial"] = 2
        return made

    def scaled(self, x: Shape, statistic: str, before: Operations = ()) -> Operations:
        """Return the operations that divide by the root of a statistic of each pixel."""
        pixels = x.elements // x.channels
        divided = (
            *before,
            Operation("added", "add", (statistic,), pixels),
            Operation("factor", "rsqrt", ("added",), pixels),
            Operation("scaled", "mul", ("x", "factor"), x.elements),
        )
        if not self.affine:
            return divided
        return (*divided, Operation("y", "mul", ("scaled", "weight"), x.elements))


class RmsNormOp(ChannelNorm):
    """The channels of each pixel, or the last axis, divided by their root mean square (Zhang and
    Sennrich 2019).
    """

    kind: ClassVar = "rms_norm"
    module: ClassVar = "RmsNorm"

    def operations(self, x: Shape) -> Operations:
        squares = Operation("squares", "pow", ("x",), x.elements)
        mean = Operation("mean", "mean", ("squares",), x.elements // x.channels)
        return self.scaled(x, "mean", (squares, mean))


class SimpleNormOp(ChannelNorm):
    """The channels of each pixel, or the last axis, divided by their standard deviation, as in
    timm.
    """

    kind: ClassVar = "simple_norm"
    module: ClassVar = "SimpleNorm"

    def infer(self, x: Shape) -> Shape:
        if x.channels == 1:
            message = "`simple_norm` needs the deviation of several channels, but there is only one"
            raise ShapeError("E0303", message, "use `rms_norm`")
        return x

    def operations(self, x: Shape) -> Operations:
        variance = Operation("variance", "var", ("x",), x.elements // x.channels)
        return self.scaled(x, "variance", (variance,))


@dataclass(eq=False, repr=False)
class GrnOp(Composite):
    """Global response normalization: the channels of a picture compete by their norms (Woo et al.
    2023, ConvNeXt V2).
    """

    kind: ClassVar = "grn"
    module: ClassVar = "GlobalResponseNorm"
    torch_defaults: ClassVar = {"eps": 1e-6}
    torch_positional: ClassVar = ("channels",)
    eps: Positive = Fraction(1, 10**6)

    def infer(self, x: Shape) -> Shape:
        if len(x.dims) != 3:
            need_image(x, self.kind)
        return x

    def parameters(self, x: Shape) -> Tensors:
        return {"weight": (x.channels,), "bias": (x.channels,)}

    def elementwise(self, x: Shape, y: Shape) -> int:
        """Return two for the norm, and one for the sum."""
        return 3 * y.elements

    def operations(self, x: Shape) -> Operations:
        return (
            Operation("norms", "norm", ("x",), x.channels),
            Operation("mean", "mean", ("norms",), 1),
            Operation("added", "add", ("mean",), 1),
            Operation("response", "div", ("norms", "added"), x.channels),
            Operation("scaled", "mul", ("x", "response"), x.elements),
            Operation("learned", "addcmul", ("bias", "weight", "scaled"), x.elements),
            Operation("y", "add", ("x", "learned"), x.elements),
        )

    def call(self, x: Shape) -> Call:
        made = super().call(x)
        if x.last:
            made.kwargs["channels_last"] = True
        return made


@dataclass(eq=False, repr=False)
class EvoNormS0Op(Composite, Norm):
    """A norm and an activation in one: x * sigmoid(v * x) over the standard deviation of a group
    (Liu et al. 2020, EvoNorm-S0).
    """

    kind: ClassVar = "evonorm_s0"
    module: ClassVar = "EvoNorm2dS0"
    torch_defaults: ClassVar = {"groups": 32, "eps": 1e-5}
    positional: ClassVar = ("groups",)
    groups: Count = 32
    eps: Positive = Fraction(1, 10**5)

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        need_equal_groups(x.channels, self.groups, "groups")
        return x

    def parameters(self, x: Shape) -> Tensors:
        return dict.fromkeys(("weight", "bias", "v"), (x.channels,))

    def elementwise(self, x: Shape, y: Shape) -> int:
        """Return two for the norm, and one for the activation."""
        return 3 * y.elements

    def operations(self, x: Shape) -> Operations:
        return (
            Operation("gate", "mul", ("x", "v"), x.elements),
            Operation("open", "sigmoid", ("gate",), x.elements),
            Operation("active", "mul", ("x", "open"), x.elements),
            Operation("variance", "var", ("x",), self.groups),
            Operation("added", "add", ("variance",), self.groups),
            Operation("deviation", "sqrt", ("added",), self.groups),
            Operation("divided", "div", ("active", "deviation"), x.elements),
            Operation("scaled", "mul", ("divided", "weight"), x.elements),
            Operation("y", "add", ("scaled", "bias"), x.elements),
        )


@dataclass(eq=False, repr=False)
class Lrn(Composite):
    """Local response normalization over `size` neighboring channels (Krizhevsky et al. 2012)."""

    kind: ClassVar = "lrn"
    module: ClassVar = "LocalResponseNorm"
    torch_defaults: ClassVar = {"alpha": 1e-4, "beta": 0.75, "k": 1.0}
    positional: ClassVar = ("size",)
    torch_positional: ClassVar = ("size",)
    size: Count
    alpha: Positive = Fraction(1, 10**4)
    beta: Positive = Fraction(3, 4)
    k: Real = Fraction(1)

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        return x

    def elementwise(self, x: Shape, y: Shape) -> int:
        return 2 * y.elements

    def operations(self, x: Shape) -> Operations:
        padded = (x.channels + self.size - 1) * x.elements // x.channels
        means = ("means",)  # the name stays until the last operation
        return (
            Operation("squares", "mul", ("x", "x"), x.elements),
            Operation("padded", "pad", ("squares",), padded),
            Operation("means", "avg_pool", ("padded",), x.elements),
            Operation("times_alpha", "times", means, x.elements),
            Operation("plus_k", "add", ("times_alpha",), x.elements, means),
            Operation("divisor", "pow", ("plus_k",), x.elements, means),
            Operation("y", "div", ("x", "divisor"), x.elements),
        )
