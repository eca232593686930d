"""Pointwise functions. In place where the `inplace` pass finds that nobody else reads the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from resspec.ir.ops.layer import Call, Flag, Kept, Layer
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
        return Call(self.module, (), (("inplace", True),) if self.inplace else ())


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
        return Call("GELU", (), (("approximate", "tanh"),) if self.tanh else ())
