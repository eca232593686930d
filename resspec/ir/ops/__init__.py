"""The table of layers: the language's word for each, and its class.

A class ends in `Op` where its torch module is ours, in `backends/layers.py`, and has the name.
"""

from resspec.ir.ops.activation import Gelu, Hardsigmoid, Hardswish, Relu, Relu6, Sigmoid, Silu
from resspec.ir.ops.arrange import (
    Chunk,
    Flatten,
    Identity,
    PadChannelsOp,
    Shuffle,
    SliceOp,
    SubsampleOp,
    ToFirstOp,
    ToLastOp,
)
from resspec.ir.ops.conv import Conv, Fc, Linear, Upconv
from resspec.ir.ops.layer import Layer
from resspec.ir.ops.norm import BatchNorm, GroupNorm, LayerNorm, LayerNorm2dOp
from resspec.ir.ops.regularize import Dropout, DropPathOp, LayerScaleOp
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
        LayerNorm2dOp,
        Relu,
        Relu6,
        Silu,
        Gelu,
        Sigmoid,
        Hardswish,
        Hardsigmoid,
        MaxPool,
        AvgPool,
        SubsampleOp,
        PadChannelsOp,
        Shuffle,
        Chunk,
        SliceOp,
        Flatten,
        ToLastOp,
        ToFirstOp,
        Identity,
        Dropout,
        DropPathOp,
        LayerScaleOp,
    )
}

__all__ = ["OPS", "Layer"]
