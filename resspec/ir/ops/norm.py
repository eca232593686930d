"""Normalisation. `scale=` at a layer is its weight's initial value and stands in the IR as an
initialisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from resspec.ir.ops.layer import (
    Call,
    Count,
    Flag,
    Kept,
    Layer,
    Positive,
    Real,
    ShapeError,
    Tensors,
    divisible,
    drop_defaults,
    need_image,
    number,
)
from resspec.ir.shape import Shape


class Norm(Layer):
    """A norm with a learnable weight and bias per channel, unless `affine=false`."""

    def parameters(self, x: Shape) -> Tensors:
        return (
            {"weight": (x.channels,), "bias": (x.channels,)}
            if getattr(self, "affine", True)
            else {}
        )

    def elementwise(self, x: Shape, y: Shape) -> int:
        del x
        return 2 * y.elements

    def saves_input(self) -> bool:
        return True


@dataclass(eq=False, repr=False)
class BatchNorm(Norm):
    """Batch normalisation of a picture, or of a flat vector."""

    kind: ClassVar = "bn"
    eps: Positive = Fraction(1, 10**5)
    momentum: Real = Fraction(1, 10)
    affine: Flag = True
    track_running_stats: Flag = True

    def infer(self, x: Shape) -> Shape:
        if len(x.dims) > 1:
            need_image(x, self.kind)
        return x

    def buffers(self, x: Shape) -> Tensors:
        if not self.track_running_stats:
            return {}
        return {
            "running_mean": (x.channels,),
            "running_var": (x.channels,),
            "num_batches_tracked": (),
        }

    def keeps(self, x: Shape, y: Shape) -> Kept:
        del y
        return Kept(fixed_statistics=2 * x.channels)

    def call(self, x: Shape) -> Call:
        return Call(
            "BatchNorm2d" if x.is_image else "BatchNorm1d",
            (x.channels,),
            drop_defaults(
                eps=(number(self.eps), 1e-5),
                momentum=(number(self.momentum), 0.1),
                affine=(self.affine, True),
                track_running_stats=(self.track_running_stats, True),
            ),
        )


@dataclass(eq=False, repr=False)
class GroupNorm(Norm):
    """Group normalisation."""

    kind: ClassVar = "gn"
    layout: ClassVar = "contiguous"
    positional: ClassVar = ("num_groups",)
    words: ClassVar = {"groups": "num_groups"}
    num_groups: Count
    eps: Positive = Fraction(1, 10**5)
    affine: Flag = True

    def infer(self, x: Shape) -> Shape:
        if x.last:
            need_image(x, self.kind)
        if x.channels % self.num_groups:
            raise ShapeError(
                "E0304",
                f"{x.channels} channels cannot be split into {self.num_groups} equal groups",
                divisible(self.num_groups, x.channels),
                "num_groups",
            )
        return x

    def keeps(self, x: Shape, y: Shape) -> Kept:
        del x, y
        return Kept(values=2 * self.num_groups)

    def call(self, x: Shape) -> Call:
        return Call(
            "GroupNorm",
            (self.num_groups, x.channels),
            drop_defaults(eps=(number(self.eps), 1e-5), affine=(self.affine, True)),
        )


@dataclass(eq=False, repr=False)
class LayerNorm(Norm):
    """Layer normalisation over the last axis."""

    kind: ClassVar = "ln"
    layout: ClassVar = "contiguous"
    words: ClassVar = {"affine": "elementwise_affine"}
    eps: Positive = Fraction(1, 10**5)
    elementwise_affine: Flag = True

    def infer(self, x: Shape) -> Shape:
        if x.is_image:
            message = f"`ln` reads the last axis, which in {x} is the width"
            raise ShapeError("E0302", message, "use `ln2d`, or put `to_last` before it")
        return x

    def parameters(self, x: Shape) -> Tensors:
        return {"weight": (x.channels,), "bias": (x.channels,)} if self.elementwise_affine else {}

    def keeps(self, x: Shape, y: Shape) -> Kept:
        del y
        return Kept(statistics=2 * x.elements // x.channels)

    def call(self, x: Shape) -> Call:
        return Call(
            "LayerNorm",
            (x.channels,),
            drop_defaults(
                eps=(number(self.eps), 1e-5), elementwise_affine=(self.elementwise_affine, True)
            ),
        )


@dataclass(eq=False, repr=False)
class LayerNorm2d(Norm):
    """Layer normalisation over the channels of each pixel of CxHxW (ConvNeXt)."""

    kind: ClassVar = "ln2d"
    layout: ClassVar = "channels_last"
    eps: Positive = Fraction(1, 10**6)

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        return x

    def keeps(self, x: Shape, y: Shape) -> Kept:
        del y
        return Kept(statistics=2 * x.elements // x.channels)

    def call(self, x: Shape) -> Call:
        return Call("LayerNorm2d", (x.channels,), drop_defaults(eps=(number(self.eps), 1e-6)))
