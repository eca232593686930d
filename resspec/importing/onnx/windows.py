"""The windows of convolutions and pools: padding on each side, and sizes that are rounded up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from resspec.importing.files.errors import Malformed
from resspec.importing.onnx.tracing import OnnxTracing
from resspec.ir.ops.window import window_output

Sides = list[int]


@dataclass(frozen=True, slots=True)
class Window:
    """A window along each axis of the pixels.

    Attributes:
        kernel: Its sizes.
        strides: Its steps.
        dilations: The distances of what it reads.
        begins: The padding before the first pixel.
        ends: The padding behind the last one.
    """

    kernel: Sides
    strides: Sides
    dilations: Sides
    begins: Sides
    ends: Sides

    @property
    def is_even(self) -> bool:
        """True if the padding is the same on both sides."""
        return self.begins == self.ends

    @property
    def border(self) -> Sides:
        """The padding as torch's `pad` takes it: the last axis first."""
        pairs = list(zip(self.begins, self.ends, strict=True))
        return list(chain(*reversed(pairs)))

    def padded(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Return sizes with the padding."""
        rows = zip(sizes[2:], self.begins, self.ends, strict=True)
        return (*sizes[:2], *(sum(row) for row in rows))

    def without_padding(self) -> Window:
        """Return the window without padding."""
        none = [0] * len(self.kernel)
        return replace(self, begins=none, ends=none)

    def is_rounded_up(self, sizes: Sequence[int], made: Sequence[int]) -> bool:
        """Return whether the padding at the end is what a size that is rounded up needs."""
        if len(self.kernel) != 2 or any(b > e for b, e in zip(self.begins, self.ends, strict=True)):
            return False
        if any(2 * p > k for p, k in zip(self.begins, self.kernel, strict=True)):
            return False
        found = window_output(
            tuple(sizes[2:]),
            _pair(self.kernel),
            _pair(self.strides),
            _pair(self.begins),
            _pair(self.dilations),
            ceil=True,
        )
        return found == tuple(made[2:])


def _pair(sides: Sides) -> tuple[int, int]:
    height, width = sides
    return height, width


def window(to: OnnxTracing, kernel: Sequence[int]) -> Window:
    """Return the window of the current node. Raises Malformed."""
    axes = len(kernel)
    given = list(to.attribute("kernel_shape", list(kernel)))
    strides = list(to.attribute("strides", [1] * axes))
    dilations = list(to.attribute("dilations", [1] * axes))
    pads = list(to.attribute("pads", [0] * 2 * axes))
    if {len(given), len(strides), len(dilations), len(pads) / 2} != {axes}:
        raise Malformed(f"a `{to.node.kind:.40}` has a window of several sizes")
    if min((*given, *strides, *dilations), default=1) < 1 or min(pads, default=0) < 0:
        raise Malformed(f"a `{to.node.kind:.40}` has a window of no size")
    found = Window(given, strides, dilations, pads[:axes], pads[axes:])
    return _automatic(to, found)


def _automatic(to: OnnxTracing, sides: Window) -> Window:
    """Return a window with the padding that its node leaves to be computed."""
    match to.attribute("auto_pad", b"NOTSET"):
        case b"NOTSET":
            return sides
        case b"VALID":
            return sides.without_padding()
        case b"SAME_UPPER" | b"SAME_LOWER" as word:
            rows = zip(to.sizes()[2:], sides.kernel, sides.strides, sides.dilations, strict=True)
            totals = [max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0) for n, k, s, d in rows]
            less, more = [t // 2 for t in totals], [t - t // 2 for t in totals]
            begins, ends = (less, more) if word == b"SAME_UPPER" else (more, less)
            return replace(sides, begins=begins, ends=ends)
        case _:
            raise Malformed(f"a `{to.node.kind:.40}` has unknown padding")


def pool(to: OnnxTracing) -> None:
    """Add the pool of the current node."""
    sides = window(to, to.attribute("kernel_shape", [1, 1]))
    is_maximum = to.node.kind == "MaxPool"
    counts = bool(to.attribute("count_include_pad", 0))
    ceil = bool(to.attribute("ceil_mode", 0))
    x, sizes = to.value(), to.sizes()
    if not sides.is_even:
        no_start = not any(sides.begins)
        if sides.is_rounded_up(sizes, to.made()) and (is_maximum or (no_start and not counts)):
            ceil = True
        elif is_maximum or counts:
            value = float("-inf") if is_maximum else 0.0
            x = to.call_before(sides.padded(sizes), "pad", x, sides.border, "constant", value)
            sides = sides.without_padding()
        else:
            raise Malformed("an AveragePool has different padding on two sides")
    kwargs: dict[str, Any] = {"stride": sides.strides, "padding": sides.begins, "ceil_mode": ceil}
    if is_maximum:
        to.call("max_pool2d", x, sides.kernel, **kwargs, dilation=sides.dilations)
        return
    included = counts or not any(sides.begins)
    to.call("avg_pool2d", x, sides.kernel, **kwargs, count_include_pad=included)
