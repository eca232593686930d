"""Layers that change height and width without weights: borders, enlargement, and pixels that become
channels or the reverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from resspec.ir.ops.layer import (
    ONE,
    Call,
    Count,
    Flag,
    Index,
    Layer,
    ShapeError,
    Size,
    Steps,
    Word,
    divisible,
    need_image,
)
from resspec.ir.shape import Shape


@dataclass(eq=False, repr=False)
class Pad(Layer):
    """A border of so many columns and rows; `mode=lowest` is negative infinity, for a `maxpool`."""

    kind: ClassVar = "pad"
    positional: ClassVar = ("left", "right", "top", "bottom")
    choices: ClassVar = {"mode": ("zeros", "reflect", "replicate", "lowest")}
    layout: ClassVar = "contiguous"
    left: Index
    right: Index
    top: Index
    bottom: Index
    mode: Word = "zeros"

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        height, width = x.spatial
        if self.mode == "reflect":
            sides = {
                "left": (self.left, width),
                "right": (self.right, width),
                "top": (self.top, height),
                "bottom": (self.bottom, height),
            }
            for side, (border, size) in sides.items():
                if border >= size:
                    raise ShapeError(
                        "E0303",
                        f"a border of {border} cannot reflect an input of {size}",
                        f"use {size - 1} at most, or `mode=replicate`",
                        side,
                    )
        return Shape((x.channels, height + self.top + self.bottom, width + self.left + self.right))

    def saves_input(self) -> bool:
        """Although only its sizes would be needed."""
        return self.mode in ("reflect", "replicate")

    def call(self, x: Shape) -> Call:
        sides = (self.left, self.right, self.top, self.bottom)
        border = {"padding": sides[0] if len(set(sides)) == 1 else sides}
        match self.mode:
            case "reflect":
                return Call("ReflectionPad2d", border, {})
            case "replicate":
                return Call("ReplicationPad2d", border, {})
            case "lowest":
                return Call("ConstantPad2d", border | {"value": float("-inf")}, {})
            case _:
                return Call("ZeroPad2d", border, {})


@dataclass(eq=False, repr=False)
class Upsample(Layer):
    """Enlargement by a factor, or to a size."""

    kind: ClassVar = "upsample"
    module: ClassVar = "Upsample"
    torch_defaults: ClassVar = {"size": None, "scale_factor": None, "mode": "nearest"}
    positional: ClassVar = ("scale_factor",)
    choices: ClassVar = {"mode": ("nearest", "bilinear")}
    scale_factor: Size | None = None
    size: Size | None = None
    mode: Word = "nearest"
    align_corners: Flag = False

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        if (self.scale_factor is None) == (self.size is None):
            raise ShapeError(
                "E0305",
                "`upsample` takes a factor or a `size=`",
                "write `upsample 2`, or `upsample size=56x56`",
                "size",
            )
        if self.align_corners and self.mode != "bilinear":
            raise ShapeError(
                "E0305",
                f"`align_corners` has no meaning for `mode={self.mode}`",
                "leave it out",
                "align_corners",
            )
        return Shape((x.channels, *self._size(x)))

    def _size(self, x: Shape) -> tuple[int, ...]:
        if self.size is not None:
            return self.size
        assert self.scale_factor is not None
        return tuple(n * factor for n, factor in zip(x.spatial, self.scale_factor, strict=True))

    def elementwise(self, x: Shape, y: Shape) -> int:
        """Return the values that it reads: four for each output of a bilinear one."""
        return 4 * y.elements if self.mode == "bilinear" else 0

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        rows, columns = (Fraction(n, m) for n, m in zip(x.spatial, self._size(x), strict=True))
        read = (2, 2) if self.mode == "bilinear" else ONE
        return read, (rows, columns)

    def call(self, x: Shape) -> Call:
        made = super().call(x)
        if self.align_corners:
            made.kwargs["align_corners"] = True
        return made


@dataclass(eq=False, repr=False)
class PixelShuffle(Layer):
    """Channels to pixels: C*r*r x H x W to C x H*r x W*r (Shi et al. 2016)."""

    kind: ClassVar = "pixel_shuffle"
    module: ClassVar = "PixelShuffle"
    positional: ClassVar = ("upscale_factor",)
    torch_positional: ClassVar = ("upscale_factor",)
    layout: ClassVar = "contiguous"
    upscale_factor: Count

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        parts = self.upscale_factor**2
        if x.channels % parts:
            raise ShapeError(
                "E0304",
                f"{x.channels} channels cannot be split into {parts} equal parts",
                f"give the layer before it a multiple of {parts} channels",
                "upscale_factor",
            )
        height, width = (n * self.upscale_factor for n in x.spatial)
        return Shape((x.channels // parts, height, width))

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        return ONE, (Fraction(1, self.upscale_factor),) * 2


@dataclass(eq=False, repr=False)
class PixelUnshuffle(Layer):
    """Pixels to channels: C x H*r x W*r to C*r*r x H x W, the pixels of one channel together."""

    kind: ClassVar = "pixel_unshuffle"
    module: ClassVar = "PixelUnshuffle"
    positional: ClassVar = ("downscale_factor",)
    torch_positional: ClassVar = ("downscale_factor",)
    layout: ClassVar = "contiguous"
    downscale_factor: Count

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        factor = self.downscale_factor
        for side in x.spatial:
            if side % factor:
                raise ShapeError(
                    "E0304",
                    f"{side} pixels cannot be split into parts of {factor}",
                    divisible(factor, side),
                    "downscale_factor",
                )
        height, width = (n // factor for n in x.spatial)
        return Shape((x.channels * factor**2, height, width))

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        return (self.downscale_factor,) * 2, (self.downscale_factor,) * 2
