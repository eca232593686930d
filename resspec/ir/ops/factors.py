"""Factors, constant or learned, and the activations that learn something."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from resspec.ir.ops.layer import (
    Call,
    Count,
    Layer,
    Real,
    ShapeError,
    Tensors,
    Word,
    need_image,
    plain,
)
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
    torch_positional: ClassVar = ("factor",)
    factor: Real


class LearnedOperand(Factor):
    """A learned operand of x, a parameter of the module around it. The label names the tensor.

    `shape=one` has one axis of one number, `scalar` no axis; `C` and `Cx1x1` have a number for each
    channel.
    """

    operator: ClassVar[str]
    is_parameter: ClassVar = True
    module: ClassVar = "Parameter"
    positional: ClassVar = ("init_value",)
    choices: ClassVar = {"shape": ("one", "scalar", "C", "Cx1x1")}
    init_value: Real
    shape: Word

    def infer(self, x: Shape) -> Shape:
        if self.shape == "Cx1x1":
            need_image(x, f"{self.kind} shape=Cx1x1")
        return x

    def dims(self, x: Shape) -> tuple[int, ...]:
        """Return the sizes of the tensor."""
        return {"one": (1,), "scalar": (), "C": (x.channels,), "Cx1x1": (x.channels, 1, 1)}[
            self.shape
        ]

    def is_viewed(self, x: Shape) -> bool:
        """Return whether the tensor needs two more axes, those of the pixels."""
        return self.shape == "C" and x.is_image

    def parameters(self, x: Shape) -> Tensors:
        return {"": self.dims(x)}

    def call(self, x: Shape) -> Call:
        """Return the constructor of its parameter."""
        channels = {"channels": x.channels} if "C" in self.shape else {}
        return Call("Parameter", {}, {"init_value": plain(self.init_value)} | channels)


@dataclass(eq=False, repr=False)
class GainOp(LearnedOperand):
    """x times a learned tensor, a parameter of the module around it."""

    kind: ClassVar = "gain"
    operator: ClassVar = "*"
    init_value: Real = Fraction(1)
    shape: Word = "one"

    def saves_input(self) -> bool:
        return True

    def saves_input_frozen(self) -> bool:
        return False


@dataclass(eq=False, repr=False)
class ShiftOp(LearnedOperand):
    """x plus a learned tensor, a parameter of the module around it."""

    kind: ClassVar = "shift"
    operator: ClassVar = "+"
    init_value: Real = Fraction(0)
    shape: Word = "one"


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
