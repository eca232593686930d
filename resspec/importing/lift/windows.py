"""The padding of convolutions and pools: their own, or a border before them that is `same`."""

from __future__ import annotations

from typing import Any

from resspec.importing.lift.lifter import Lifter
from resspec.importing.lift.numbers import size
from resspec.importing.lift.weights import Padded
from resspec.ir.ops.layer import Size
from resspec.ir.ops.window import SAME, padded_as_same


def fields(
    to: Lifter,
    input: Any,
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    border: str = "zeros",
) -> tuple[dict[str, Any], Any]:
    """Return the fields of a window, and the input that it reads.

    Args:
        to: The lifter.
        input: The value that the call reads.
        kernel: The window.
        stride: Its stride.
        padding: The padding that the call does itself.
        dilation: Its dilation.
        border: What `padding=same` fills the border with, as `pad mode=` names it.
    """
    given: dict[str, Any] = {
        "kernel_size": size(kernel),
        "stride": size(stride),
        "padding": size(padding),
        "dilation": size(dilation),
    }
    if given["padding"] != (0, 0) or not isinstance(input, Padded):
        return given, input
    if input.mode != border or not _is_same(to, input, given):
        return given, input
    return given | {"padding": SAME}, input.value


def _is_same(to: Lifter, padded: Padded, given: dict[str, Size]) -> bool:
    """Return whether a border is that of `padding=same`, and made by the same module."""
    if padded.origin.visit != to.call.visit:
        return False
    height, width = padded.value.shape.spatial
    window = given["kernel_size"], given["stride"], given["dilation"]
    goal = padded_as_same((height, width), *window)
    rows, columns = goal[0] - height, goal[1] - width
    around = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return padded.border == around
