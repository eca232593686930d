"""Factors, constant or learned, and the activations that learn something."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from resspec.ir.ops.layer import Count, Layer, Real, ShapeError, Tensors, need_image, plain
from resspec.ir.shape import Shape


class Factor(Layer):
    """An operation on each element with a number beside it."""

    def elementwise(self, x: Shape, y: Shape) -> int:
        return y.elements


@dataclass(eq=False, repr=False)
class ScaleOp(Factor):
    """x times a constant."""

    kind: ClassVar = "scale"
    module: ClassVar = "Scale"
    positional: ClassVar = ("factor",)
    factor: Real

    def torch_args(self, x: Shape) -> tuple[Any, ...]:
        return (plain(self.factor),)


@dataclass(eq=False, repr=False)
class GainOp(Factor):
    """x times one learned number."""

    kind: ClassVar = "gain"
    module: ClassVar = "Gain"
    torch_defaults: ClassVar = {"init_value": 1.0}
    positional: ClassVar = ("init_value",)
    init_value: Real = Fraction(1)

    def parameters(self, x: Shape) -> Tensors:
        return {"scale": (1,)}

    def saves_input(self) -> bool:
        return True

    def saves_input_frozen(self) -> bool:
        return False


@dataclass(eq=False, repr=False)
class ShiftOp(Factor):
    """x plus one learned number."""

    kind: ClassVar = "shift"
    module: ClassVar = "Shift"
    torch_defaults: ClassVar = {"init_value": 0.0}
    positional: ClassVar = ("init_value",)
    init_value: Real = Fraction(0)

    def parameters(self, x: Shape) -> Tensors:
        return {"bias": (1,)}


@dataclass(eq=False, repr=False)
class Prelu(Factor):
    """x, times a learned slope below zero: one for all channels, or one for each (He et al.
    2015).
    """

    kind: ClassVar = "prelu"
    module: ClassVar = "PReLU"
    torch_defaults: ClassVar = {"num_parameters": 1, "init": 0.25}
    num_parameters: Count = 1
    init: Real = Fraction(1, 4)

    def infer(self, x: Shape) -> Shape:
        if self.num_parameters > 1 and x.last:
            need_image(x, self.kind)
        if self.num_parameters not in (1, x.channels):
            raise ShapeError(
                "E0304",
                f"`prelu` has {self.num_parameters} slopes, but its input is {x}",
                "leave out `num_parameters`, or give it the number of channels",
                "num_parameters",
            )
        return x

    def parameters(self, x: Shape) -> Tensors:
        return {"weight": (self.num_parameters,)}

    def saves_input(self) -> bool:
        return True
