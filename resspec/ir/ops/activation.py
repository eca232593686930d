"""Pointwise functions. In place where the `inplace` pass finds that nobody else reads the input."""

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
    need_equal_groups,
    need_image,
)
from resspec.ir.shape import Shape


class Pointwise(Layer):
    """A function of each element; its backward pass reads its output or its input."""

    def elementwise(self, x: Shape, y: Shape) -> int:
        return y.elements

    def saves_input(self) -> bool:
        return not self.saves_output


@dataclass(eq=False, repr=False)
class Activation(Pointwise):
    """A pointwise function that torch can also do in place; `inplace` None leaves that to the
    compiler.
    """

    inplace_by_default: ClassVar[bool] = True
    inplace: Flag | None = None

    def saves_input(self) -> bool:
        return not self.saves_output and not self.inplace

    def keeps(self, x: Shape, y: Shape) -> Kept:
        """A copy of an input that is written over before the backward pass reads it."""
        return Kept(values=x.elements) if self.inplace and not self.saves_output else Kept()

    def call(self, x: Shape) -> Call:
        made = super().call(x)
        if self.inplace:
            made.kwargs["inplace"] = True
        return made


class Relu(Activation):
    """max(0, x)."""

    kind: ClassVar = "relu"
    module: ClassVar = "ReLU"
    saves_output: ClassVar = True


class Relu6(Activation):
    """min(max(0, x), 6). In place, as MobileNets have it, although its backward pass then needs a
    copy of the input.
    """

    kind: ClassVar = "relu6"
    module: ClassVar = "ReLU6"


class Silu(Activation):
    """x * sigmoid(x). In place it would save a full copy, so it is not, unless asked."""

    kind: ClassVar = "silu"
    module: ClassVar = "SiLU"
    inplace_by_default: ClassVar = False


class Hardswish(Activation):
    """x * relu6(x + 3) / 6. In place it would save a full copy, so it is not, unless asked."""

    kind: ClassVar = "hardswish"
    module: ClassVar = "Hardswish"
    inplace_by_default: ClassVar = False


class Hardsigmoid(Activation):
    """relu6(x + 3) / 6."""

    kind: ClassVar = "hardsigmoid"
    module: ClassVar = "Hardsigmoid"
    inplace_by_default: ClassVar = False


class Sigmoid(Pointwise):
    """1 / (1 + exp(-x))."""

    kind: ClassVar = "sigmoid"
    module: ClassVar = "Sigmoid"
    saves_output: ClassVar = True


@dataclass(eq=False, repr=False)
class Gelu(Pointwise):
    """x * Phi(x); `tanh=true` takes torch's tanh approximation."""

    kind: ClassVar = "gelu"
    tanh: Flag = False

    def call(self, x: Shape) -> Call:
        return Call("GELU", {}, {"approximate": "tanh"} if self.tanh else {})


class Mish(Activation):
    """x * tanh(softplus(x)). In place it would save a full copy, so it is not, unless asked."""

    kind: ClassVar = "mish"
    module: ClassVar = "Mish"
    inplace_by_default: ClassVar = False


class SquareOp(Pointwise):
    """x * x."""

    kind: ClassVar = "square"
    module: ClassVar = "Square"


class Tanh(Pointwise):
    """tanh(x)."""

    kind: ClassVar = "tanh"
    module: ClassVar = "Tanh"
    saves_output: ClassVar = True


@dataclass(eq=False, repr=False)
class Softplus(Pointwise):
    """log(1 + exp(beta * x)) / beta, and x itself where beta * x is above `threshold`."""

    kind: ClassVar = "softplus"
    module: ClassVar = "Softplus"
    torch_defaults: ClassVar = {"beta": 1.0, "threshold": 20.0}
    beta: Positive = Fraction(1)
    threshold: Real = Fraction(20)


@dataclass(eq=False, repr=False)
class Softmax(Pointwise):
    """exp(x) over its sum along the channels; with `parts`, over the sum of the channels at the
    same position in each part.
    """

    kind: ClassVar = "softmax"
    layout: ClassVar = "contiguous"
    saves_output: ClassVar = True
    parts: Count = 1

    def infer(self, x: Shape) -> Shape:
        if self.parts > 1 and x.last:
            need_image(x, f"{self.kind} parts=")
        need_equal_groups(x.channels, self.parts, "parts")
        return x

    def call(self, x: Shape) -> Call:
        if self.parts > 1:
            return Call("PartSoftmax", {"parts": self.parts}, {})
        return Call("Softmax", {}, {"dim": -1 if x.last else 1})


# --- with a slope below zero; written over its input, the backward pass reads the output ---


@dataclass(eq=False, repr=False)
class Sloped(Activation):
    """A pointwise function whose gradient follows from its output as well as from its input."""

    def saves_input(self) -> bool:
        return not self.inplace

    def keeps(self, x: Shape, y: Shape) -> Kept:
        return Kept()

    @property
    def saves_output(self) -> bool:  # type: ignore[override]
        """Return whether the backward pass reads the output, which then is the input too."""
        return bool(self.inplace)


@dataclass(eq=False, repr=False)
class LeakyRelu(Sloped):
    """x, times `negative_slope` below zero (Maas et al. 2013)."""

    kind: ClassVar = "leaky_relu"
    module: ClassVar = "LeakyReLU"
    torch_defaults: ClassVar = {"negative_slope": 0.01}
    positional: ClassVar = ("negative_slope",)
    negative_slope: Positive = Fraction(1, 100)


@dataclass(eq=False, repr=False)
class Elu(Sloped):
    """x, and alpha * (exp(x) - 1) below zero (Clevert et al. 2015)."""

    kind: ClassVar = "elu"
    module: ClassVar = "ELU"
    torch_defaults: ClassVar = {"alpha": 1.0}
    positional: ClassVar = ("alpha",)
    alpha: Positive = Fraction(1)


@dataclass(eq=False, repr=False)
class Celu(Sloped):
    """x, and alpha * (exp(x / alpha) - 1) below zero (Barron 2017)."""

    kind: ClassVar = "celu"
    module: ClassVar = "CELU"
    torch_defaults: ClassVar = {"alpha": 1.0}
    positional: ClassVar = ("alpha",)
    alpha: Positive = Fraction(1)
