"""Pools that compute by several operations: one that blurs, and one that attends."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from resspec.ir.ops.composite import Composite, Operation, Operations
from resspec.ir.ops.layer import (
    ONE,
    Count,
    ShapeError,
    Size,
    Steps,
    Tensors,
    Word,
    need_image,
)
from resspec.ir.ops.window import window_output
from resspec.ir.shape import Shape


@dataclass(eq=False, repr=False)
class BlurPoolOp(Composite):
    """A blur by a binomial filter, at each `stride`-th pixel (Zhang 2019)."""

    kind: ClassVar = "blurpool"
    module: ClassVar = "BlurPool2d"
    torch_defaults: ClassVar = {"kernel_size": 3, "stride": 1, "mode": "reflect"}
    layout: ClassVar = "contiguous"
    positional: ClassVar = ("kernel_size",)
    torch_positional: ClassVar = ("channels",)
    choices: ClassVar = {"mode": ("reflect", "zeros")}
    kernel_size: Count = 3
    stride: Size = ONE
    mode: Word = "reflect"

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        if self.mode == "reflect":
            for border, size in zip(self.borders, x.spatial, strict=True):
                if border >= size:
                    message = f"a border of {border} cannot reflect an input of {size}"
                    raise ShapeError("E0303", message, "use `mode=zeros`", "mode")
        window = self.kernel_size, self.kernel_size
        return Shape(
            (x.channels, *window_output(x.spatial, window, self.stride, self.borders, ONE))
        )

    @property
    def borders(self) -> Size:
        """Return the border above and below, and that at each side."""
        rows, columns = ((step - 1 + self.kernel_size - 1) // 2 for step in self.stride)
        return rows, columns

    def constants(self, x: Shape) -> dict[str, int]:
        return {"filter": x.channels * self.kernel_size**2}

    def operations(self, x: Shape) -> Operations:
        y = self.infer(x)
        padded = [n + 2 * border for n, border in zip(x.spatial, self.borders, strict=True)]
        operation = "reflect" if self.mode == "reflect" else "pad"
        border = Operation("padded", operation, ("x",), x.channels * prod(padded))
        blurred = "padded" if any(self.borders) else "x"
        macs = y.elements * self.kernel_size**2
        blur = Operation("y", "conv", (blurred, "filter"), y.elements, macs=macs)
        return (border, blur) if any(self.borders) else (blur,)

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        return (self.kernel_size, self.kernel_size), self.stride


@dataclass(eq=False, repr=False)
class ContextPoolOp(Composite):
    """The mean of all pixels, weighted by a softmax of what a 1x1 convolution makes of each (Cao et
    al. 2019, GCNet).
    """

    kind: ClassVar = "context_pool"
    module: ClassVar = "ContextPool"
    torch_positional: ClassVar = ("channels",)
    layout: ClassVar = "contiguous"
    weighted: ClassVar = True

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        return Shape((x.channels, 1, 1))

    def parameters(self, x: Shape) -> Tensors:
        return {"weight": (1, x.channels, 1, 1), "bias": (1,)}

    def elementwise(self, x: Shape, y: Shape) -> int:
        """Return one for each pixel's bias, and one for its softmax."""
        return 2 * prod(x.spatial)

    def operations(self, x: Shape) -> Operations:
        pixels = prod(x.spatial)
        scores = ("x", "weight", "bias")
        return (
            Operation("scores", "conv", scores, pixels, macs=x.elements),
            Operation("shares", "softmax", ("scores",), pixels),
            Operation("y", "matmul", ("x", "shares"), x.channels, macs=x.elements),
        )

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        height, width = x.spatial
        return (height, width), ONE
