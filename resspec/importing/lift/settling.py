"""The layers that arrange axes as a value has them."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.importing.lift.arranged import Arranged, Axes, Part
from resspec.ir.ops.arrange import Flatten, Shuffle, ToFirstOp, ToLastOp
from resspec.ir.ops.layer import Layer
from resspec.ir.ops.resize import PixelShuffle, PixelUnshuffle


def layers_of(value: Arranged) -> tuple[Layer, ...] | None:
    """Return the layers that turn a step's value into this arrangement, None where none do."""
    for layers, axes in _candidates(value):
        if axes == value.axes:
            return layers
    return None


def _candidates(value: Arranged) -> Iterator[tuple[tuple[Layer, ...], Axes]]:
    batch, *others = (
        tuple((axis, index) for index in range(len(parts)))
        for axis, parts in enumerate(value.factors)
    )
    flat: tuple[Part, ...] = sum(others, ())
    yield (Flatten(),), (batch, flat)
    if len(others) != 3:
        return
    if value.shape.last:
        height, width, channels = others
        yield (ToFirstOp(),), (batch, channels, height, width)
        yield (ToFirstOp(), Flatten()), (batch, channels + height + width)
        return
    channels, height, width = others
    yield (ToLastOp(),), (batch, height, width, channels)
    yield (ToLastOp(), Flatten()), (batch, height + width + channels)
    yield from _shuffled(value, (batch, channels, height, width))


def _shuffled(value: Arranged, axes: Axes) -> Iterator[tuple[tuple[Layer, ...], Axes]]:
    batch, channels, height, width = axes
    if len(channels) == 2:
        first, second = channels
        shuffle = Shuffle(groups=value.size(first))
        yield (shuffle,), (batch, (second, first), height, width)
        yield (shuffle, ToLastOp()), (batch, height, width, (second, first))
        yield (shuffle, Flatten()), (batch, (second, first, *height, *width))
    if len(channels) == 3 and value.size(channels[1]) == value.size(channels[2]):
        out, down, right = channels
        enlarged = PixelShuffle(upscale_factor=value.size(down))
        yield (enlarged,), (batch, (out,), (*height, down), (*width, right))
    if len(height) == len(width) == 2 and value.size(height[1]) == value.size(width[1]):
        unshuffle = PixelUnshuffle(downscale_factor=value.size(height[1]))
        small = height[:1], width[:1]
        pixels = height[1], width[1]
        yield (unshuffle,), (batch, channels + pixels, *small)
        regrouped = Shuffle(groups=value.shape.channels)
        yield (unshuffle, regrouped), (batch, pixels + channels, *small)
