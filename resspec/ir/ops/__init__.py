"""The table of layers: the language's word for each, and its class."""

from resspec.ir.ops.activation import Gelu, Hardsigmoid, Hardswish, Relu, Relu6, Sigmoid, Silu
from resspec.ir.ops.arrange import (
    Chunk,
    Flatten,
    Identity,
    PadChannels,
    Shuffle,
    Slice,
    Subsample,
    ToFirst,
    ToLast,
)
from resspec.ir.ops.conv import Conv, Fc, Linear, Upconv
from resspec.ir.ops.layer import Layer
from resspec.ir.ops.norm import BatchNorm, GroupNorm, LayerNorm, LayerNorm2d
from resspec.ir.ops.regularize import Dropout, DropPath, LayerScale
from resspec.ir.ops.window import AvgPool, MaxPool

OPS: dict[str, type[Layer]] = {
    op.kind: op
    for op in (
        Conv,
        Upconv,
        Fc,
        Linear,
        BatchNorm,
        GroupNorm,
        LayerNorm,
        LayerNorm2d,
        Relu,
        Relu6,
        Silu,
        Gelu,
        Sigmoid,
        Hardswish,
        Hardsigmoid,
        MaxPool,
        AvgPool,
        Subsample,
        PadChannels,
        Shuffle,
        Chunk,
        Slice,
        Flatten,
        ToLast,
        ToFirst,
        Identity,
        Dropout,
        DropPath,
        LayerScale,
    )
}

__all__ = ["OPS", "Layer"]
