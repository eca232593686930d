"""Layers that only arrange: no weights, no arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from resspec.ir.ops.layer import (
    ONE,
    Call,
    Count,
    Index,
    Layer,
    ShapeError,
    Size,
    Steps,
    Strides,
    divisible,
    merged_stride,
    need_equal_groups,
    need_image,
)
from resspec.ir.shape import Shape


class Identity(Layer):
    """The path that does nothing."""

    kind: ClassVar = "identity"
    module: ClassVar = "Identity"
    output: ClassVar = "same"


class Flatten(Layer):
    """CxHxW to one axis."""

    kind: ClassVar = "flatten"
    module: ClassVar = "Flatten"
    output: ClassVar = "view"

    def infer(self, x: Shape) -> Shape:
        return Shape((x.elements,))

    def view(self, x: Shape, strides: Strides) -> Strides | None:
        stride = merged_stride(x.dims, strides)
        return None if stride is None else (stride,)

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        """All positions."""
        height, width = x.spatial or ONE
        return (height, width), (height, width)


class ToLastOp(Layer):
    """CxHxW to HxWxC."""

    kind: ClassVar = "to_last"
    module: ClassVar = "ToLast"
    output: ClassVar = "view"

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        return Shape((*x.spatial, x.channels), last=True)

    def view(self, x: Shape, strides: Strides) -> Strides | None:
        return (*strides[1:], strides[0])


class ToFirstOp(Layer):
    """HxWxC to CxHxW."""

    kind: ClassVar = "to_first"
    module: ClassVar = "ToFirst"
    output: ClassVar = "view"

    def infer(self, x: Shape) -> Shape:
        if not x.last:
            raise ShapeError(
                "E0302",
                "`to_first` needs channels last, but they come first",
                "leave out `to_first`",
            )
        return Shape((x.channels, *x.spatial))

    def view(self, x: Shape, strides: Strides) -> Strides | None:
        return (strides[-1], *strides[:-1])


@dataclass(eq=False, repr=False)
class SubsampleOp(Layer):
    """Every `stride`-th pixel: option A's way to a smaller picture without parameters (He et al.
    2015, section 3.3).
    """

    kind: ClassVar = "subsample"
    module: ClassVar = "Subsample"
    torch_positional: ClassVar = ("stride",)
    output: ClassVar = "view"
    stride: Size

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        return Shape(
            (x.channels, *(-(-n // s) for n, s in zip(x.spatial, self.stride, strict=True)))
        )

    def view(self, x: Shape, strides: Strides) -> Strides | None:
        return (strides[0], *(s * step for s, step in zip(strides[1:], self.stride, strict=True)))

    def reach(self, x: Shape) -> tuple[Size, Steps]:
        return ONE, self.stride


@dataclass(eq=False, repr=False)
class PadChannelsOp(Layer):
    """Zero channels at the end, up to `out_channels`: option A's way to more channels (He et al.
    2015, section 3.3).
    """

    kind: ClassVar = "pad_channels"
    module: ClassVar = "PadChannels"
    positional: ClassVar = ("out_channels",)
    out_channels: Count

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        if self.out_channels < x.channels:
            raise ShapeError(
                "E0306",
                f"zero padding cannot reduce {x.channels} channels to {self.out_channels}",
                f"use `conv 1x1, {self.out_channels}`, which projects as `shortcut B` does",
                "out_channels",
            )
        return x.with_channels(self.out_channels)

    def torch_args(self, x: Shape) -> dict[str, Any]:
        return {"amount": self.out_channels - x.channels}


@dataclass(eq=False, repr=False)
class Shuffle(Layer):
    """The channels of `groups` groups, interleaved (ShuffleNet)."""

    kind: ClassVar = "shuffle"
    module: ClassVar = "ChannelShuffle"
    output: ClassVar = "view"  # where nothing moves, on meta and on a GPU
    layout: ClassVar = "contiguous"
    positional: ClassVar = ("groups",)
    torch_positional: ClassVar = ("groups",)
    groups: Count

    def infer(self, x: Shape) -> Shape:
        need_image(x, self.kind)
        need_equal_groups(x.channels, self.groups, "groups")
        return x

    def view(self, x: Shape, strides: Strides) -> Strides | None:
        return strides if self.groups in (1, x.channels) else None


@dataclass(eq=False, repr=False)
class SliceOp(Layer):
    """The channels from `start` up to, not including, `stop`, or to the last one."""

    kind: ClassVar = "slice"
    positional: ClassVar = ("start", "stop")
    output: ClassVar = "view"
    start: Index
    stop: Count | None = None

    def completed(self, x: Shape) -> Layer:
        return self if self.stop is not None else SliceOp(self.start, x.channels)

    def infer(self, x: Shape) -> Shape:
        stop = self._stop(x)
        if not self.start < stop <= x.channels:
            field = "stop" if stop > x.channels else "start"
            raise ShapeError(
                "E0306",
                f"`slice {self.start}, {stop}` is not within {x.channels} channels",
                f"choose a first and a last channel from 0 to {x.channels}, "
                "the first below the last",
                field,
            )
        return x.with_channels(stop - self.start)

    def _stop(self, x: Shape) -> int:
        return x.channels if self.stop is None else self.stop

    def view(self, x: Shape, strides: Strides) -> Strides | None:
        return strides

    def call(self, x: Shape) -> Call:
        return _slice(self.start, self._stop(x), x)


@dataclass(eq=False, repr=False)
class Chunk(Layer):
    """Part number `part`, from 0, of the channels cut into `chunks` equal parts."""

    kind: ClassVar = "chunk"
    positional: ClassVar = ("chunks", "part")
    output: ClassVar = "view"
    chunks: Count
    part: Index

    def infer(self, x: Shape) -> Shape:
        if x.channels % self.chunks:
            raise ShapeError(
                "E0304",
                f"{x.channels} channels cannot be split into {self.chunks} equal parts",
                f"{divisible(self.chunks, x.channels)}; `slice` takes any channels",
                "chunks",
            )
        if self.part >= self.chunks:
            message = f"there is no part {self.part} of {self.chunks}"
            help = f"choose a part from 0 to {self.chunks - 1}"
            raise ShapeError("E0306", message, help, "part")
        return x.with_channels(x.channels // self.chunks)

    def view(self, x: Shape, strides: Strides) -> Strides | None:
        return strides

    def call(self, x: Shape) -> Call:
        width = x.channels // self.chunks
        return _slice(self.part * width, (self.part + 1) * width, x)


def _slice(start: int, stop: int, x: Shape) -> Call:
    return Call("Slice", {"start": start, "stop": stop}, {"dim": -1} if x.last else {})
