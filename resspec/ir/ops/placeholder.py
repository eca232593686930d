"""The layer that stands for what no layer computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from resspec.ir.ops.layer import Count, Layer, Size
from resspec.ir.shape import Shape


@dataclass(eq=False, repr=False)
class PlaceholderOp(Layer):
    """A part of a network of which only the shape of its output is known.

    It has no tensors and no cost, and no module: whatever is counted leaves it out.
    """

    kind: ClassVar = "placeholder"
    module: ClassVar = "Placeholder"
    positional: ClassVar = ("out_channels", "size")
    out_channels: Count
    size: Size | None = None

    def infer(self, x: Shape) -> Shape:
        return Shape((self.out_channels, *(self.size or ())))
