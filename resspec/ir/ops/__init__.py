"""The table of layers: the language's word for each, and its class.

A class ends in `Op` where its torch module is ours, in `backends/layers.py`, and has the name.
"""

from resspec.ir.ops.activation import (
    Celu,
    Elu,
    Gelu,
    Hardsigmoid,
    Hardswish,
    LeakyRelu,
    Mish,
    Relu,
    Relu6,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    SquareOp,
    Tanh,
)
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
from resspec.ir.ops.composite_norm import EvoNormS0Op, GrnOp, Lrn, RmsNormOp, SimpleNormOp
from resspec.ir.ops.composite_pool import BlurPoolOp, ContextPoolOp
from resspec.ir.ops.conv import ChannelConvOp, Conv, Fc, Linear, ScaledStdConv, StdConv, Upconv
from resspec.ir.ops.factors import GainOp, Prelu, ScaleOp, ShiftOp
from resspec.ir.ops.layer import Layer
from resspec.ir.ops.norm import BatchNorm, GroupNorm, LayerNorm, LayerNorm2dOp
from resspec.ir.ops.placeholder import PlaceholderOp
from resspec.ir.ops.regularize import Dropout, DropPathOp, LayerScaleOp
from resspec.ir.ops.resize import Pad, PixelShuffle, PixelUnshuffle, Upsample
from resspec.ir.ops.window import AvgPool, MaxPool

OPS: dict[str, type[Layer]] = {
    op.kind: op
    for op in (
        Conv,
        StdConv,
        ScaledStdConv,
        Upconv,
        ChannelConvOp,
        Fc,
        Linear,
        BatchNorm,
        GroupNorm,
        LayerNorm,
        LayerNorm2dOp,
        RmsNormOp,
        SimpleNormOp,
        GrnOp,
        EvoNormS0Op,
        Lrn,
        Relu,
        Relu6,
        Silu,
        Gelu,
        Sigmoid,
        Hardswish,
        Hardsigmoid,
        Mish,
        LeakyRelu,
        Elu,
        Celu,
        Prelu,
        SquareOp,
        Tanh,
        Softplus,
        Softmax,
        MaxPool,
        AvgPool,
        BlurPoolOp,
        ContextPoolOp,
        SubsampleOp,
        Pad,
        Upsample,
        PixelShuffle,
        PixelUnshuffle,
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
        ScaleOp,
        GainOp,
        ShiftOp,
        PlaceholderOp,
    )
}

__all__ = ["OPS", "Layer"]
