"""Normalization. `scale=` at a layer is its weight's initial value and stands in the IR as an
initialization.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

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
    need_equal_groups,
    need_image,
)
from resspec.ir.shape import Shape


class Norm(Layer):
    """A norm with a learnable weight and bias per channel, unless `affine=false` or
    `bias=false`.
    """

    torch_positional: ClassVar[tuple[str, ...]] = ("num_features",)

    @property
    def has_bias(self) -> bool:
        """Return whether its parameters, if it has any, are a weight and a bias."""
        return getattr(self, "bias", True)

    @property
    def is_affine(self) -> bool:
        """Return whether it has parameters."""
        return getattr(self, "affine", True)

    @classmethod
    def complete(cls, given: dict[str, Any]) -> None:
        if False in (given.get("affine"), given.get("elementwise_affine")):
            given.pop("bias", None)  # which says nothing more then

    def parameters(self, x: Shape) -> Tensors:
        if not self.is_affine:
            return {}
        weight: Tensors = {"weight": (x.channels,)}
        return weight | {"bias": (x.channels,)} if self.has_bias else weight

    def elementwise(self, x: Shape, y: Shape) -> int:
        return 2 * y.elements

    def saves_input(self) -> bool:
        return True


@dataclass(eq=False, repr=False)
class BatchNorm(Norm):
    """Batch normalization of a picture, or of a flat vector."""

    kind: ClassVar = "bn"
    module: ClassVar = "BatchNorm2d"
    torch_defaults: ClassVar = {
        "eps": 1e-5,
        "momentum": 0.1,
        "affine": True,
        "track_running_stats": True,
    }
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
        return Kept(fixed_statistics=2 * x.channels)

    def call(self, x: Shape) -> Call:
        call = super().call(x)
        return call if x.is_image else call._replace(module="BatchNorm1d")


@dataclass(eq=False, repr=False)
class GroupNorm(Norm):
    """Group normalization."""

    kind: ClassVar = "gn"
    module: ClassVar = "GroupNorm"
    torch_defaults: ClassVar = {"eps": 1e-5, "affine": True, "bias": True}
    later_fields: ClassVar = frozenset(("bias",))
    layout: ClassVar = "contiguous"
    positional: ClassVar = ("num_groups",)
    torch_positional: ClassVar = ("num_groups", "num_channels")
    words: ClassVar = {"groups": "num_groups"}
    num_groups: Count
    eps: Positive = Fraction(1, 10**5)
    affine: Flag = True
    bias: Flag = True

    def infer(self, x: Shape) -> Shape:
        if x.last:
            need_image(x, self.kind)
        need_equal_groups(x.channels, self.num_groups, "num_groups")
        return x

    def keeps(self, x: Shape, y: Shape) -> Kept:
        return Kept(values=2 * self.num_groups)


@dataclass(eq=False, repr=False)
class LayerNorm(Norm):
    """Layer normalization over the last axis."""

    kind: ClassVar = "ln"
    module: ClassVar = "LayerNorm"
    torch_defaults: ClassVar = {"eps": 1e-5, "elementwise_affine": True, "bias": True}
    later_fields: ClassVar = frozenset(("bias",))
    layout: ClassVar = "contiguous"
    words: ClassVar = {"affine": "elementwise_affine"}
    torch_positional: ClassVar = ("normalized_shape",)
    eps: Positive = Fraction(1, 10**5)
    elementwise_affine: Flag = True
    bias: Flag = True

    def infer(self, x: Shape) -> Shape:
        if x.is_image:
            message = f"`ln` reads the last axis, which in {x} is the width"
            before = "flatten" if x.spatial == (1, 1) else "to_last"
            raise ShapeError("E0302", message, f"use `ln2d`, or put `{before}` before it")
        return x

    @property
    def is_affine(self) -> bool:
        return self.elementwise_affine

    def keeps(self, x: Shape, y: Shape) -> Kept:
        return Kept(statistics=2 * x.elements // x.channels)


@dataclass(eq=False, repr=False)
class LayerNorm2dOp(Norm):
    """Layer normalization over the channels of each pixel of CxHxW (ConvNeXt)."""

    kind: ClassVar = "ln2d"
    module: ClassVar = "LayerNorm2d"
    torch_defaults: ClassVar = {"eps": 1e-6, "bias": True}
    later_fields: ClassVar = frozenset(("bias",))
    torch_positional: ClassVar = ("channels",)
    layout: ClassVar = "channels_last"
    eps: Positive = Fraction(1, 10**6)
    bias: Flag = True

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        return x

    def keeps(self, x: Shape, y: Shape) -> Kept:
        return Kept(statistics=2 * x.elements // x.channels)
