"""Layers that act in training only, and the learnable scale that goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from resspec.ir.ops.layer import Call, Kept, Layer, Probability, Real, Tensors, plain
from resspec.ir.shape import Shape


@dataclass(eq=False, repr=False)
class Dropout(Layer):
    """Zeroes single values with probability p."""

    kind: ClassVar = "dropout"
    module: ClassVar = "Dropout"
    output: ClassVar = "same"  # in evaluation
    positional: ClassVar = ("p",)
    torch_positional: ClassVar = ("p",)
    p: Probability

    def hands_on(self) -> bool:
        return self.p == 0

    def keeps(self, x: Shape, y: Shape) -> Kept:
        """A mask of the input's type; torch multiplies by a single zero where p is 1."""
        return Kept(fixed_values=1) if self.p == 1 else Kept(values=x.elements)


@dataclass(eq=False, repr=False)
class DropPathOp(Layer):
    """Zeroes the whole residual of a sample with probability p (stochastic depth, Huang et al.
    2016).
    """

    kind: ClassVar = "drop_path"
    module: ClassVar = "DropPath"
    output: ClassVar = "same"  # in evaluation
    positional: ClassVar = ("p",)
    torch_positional: ClassVar = ("p",)
    p: Probability

    def hands_on(self) -> bool:
        return self.p == 0

    def keeps(self, x: Shape, y: Shape) -> Kept:
        return Kept(values=1)


@dataclass(eq=False, repr=False)
class LayerScaleOp(Layer):
    """A learnable factor for each channel, small at first (Touvron et al. 2021)."""

    kind: ClassVar = "layer_scale"
    positional: ClassVar = ("init_value",)
    init_value: Real = Fraction(1, 10**6)

    def parameters(self, x: Shape) -> Tensors:
        return {"gamma": (x.channels,)}

    def elementwise(self, x: Shape, y: Shape) -> int:
        return y.elements

    def saves_input(self) -> bool:
        return True

    def saves_input_frozen(self) -> bool:
        return False

    def call(self, x: Shape) -> Call:
        return Call(
            "LayerScale",
            {"channels": x.channels, "init_value": plain(self.init_value)},
            {"spatial": 2} if x.is_image else {},
        )
