"""Pointwise functions. In place where the `inplace` pass finds that nobody else reads the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from resspec.ir.ops.layer import Call, Flag, Layer, drop_defaults
from resspec.ir.shape import Shape


@dataclass(eq=False, repr=False)
class Activation(Layer):
    """A pointwise function that torch can also do in place; `inplace` None leaves that to the compiler."""

    module: ClassVar[str]
    inplace_by_default: ClassVar[bool] = True
    inplace: Flag | None = None

    def call(self, x: Shape) -> Call:
        del x
        return Call(self.module, (), drop_defaults(inplace=(bool(self.inplace), False)))


class Relu(Activation):
    """max(0, x)."""

    kind: ClassVar = "relu"
    module: ClassVar = "ReLU"
    saves_output: ClassVar = True


class Relu6(Activation):
    """min(max(0, x), 6). In place, as MobileNets have it, although its backward pass then needs a copy of the input."""

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


class Sigmoid(Layer):
    """1 / (1 + exp(-x))."""

    kind: ClassVar = "sigmoid"
    saves_output: ClassVar = True

    def call(self, x: Shape) -> Call:
        del x
        return Call("Sigmoid")


@dataclass(eq=False, repr=False)
class Gelu(Layer):
    """x * Phi(x); `tanh=true` takes torch's tanh approximation."""

    kind: ClassVar = "gelu"
    tanh: Flag = False

    def call(self, x: Shape) -> Call:
        del x
        return Call("GELU", (), (("approximate", "tanh"),) if self.tanh else ())
