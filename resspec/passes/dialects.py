"""The rules by which other tools count: what each adds for a layer of one sample in evaluation, to
its multiply-accumulates, or to its parameters.

A rule names what it adds: by the layer's word in the language, or by what else it is.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Literal, NamedTuple

from resspec.ir.ops import Layer
from resspec.ir.ops.activation import (
    Elu,
    Gelu,
    LeakyRelu,
    Relu,
    Relu6,
    Silu,
    Softmax,
)
from resspec.ir.ops.composite import Composite
from resspec.ir.ops.composite_norm import GrnOp, Lrn
from resspec.ir.ops.composite_pool import BlurPoolOp, ContextPoolOp
from resspec.ir.ops.conv import (
    ChannelConvOp,
    Contraction,
    Conv,
    Linear,
    ScaledStdConv,
    StdConv,
    Upconv,
)
from resspec.ir.ops.factors import Prelu
from resspec.ir.ops.norm import BatchNorm, GroupNorm, LayerNorm, Norm
from resspec.ir.ops.resize import Upsample
from resspec.ir.ops.window import AvgPool, Pool
from resspec.ir.shape import Shape

OWN_CLASS = "conv of no torch class"  # padded as TensorFlow does, or with standardized weights
STANDARDIZED = "norm of weights"

Extra = dict[str, int]
Rule = Callable[[Layer, Shape, Shape], Extra]


def _macs(layer: Layer, x: Shape, y: Shape) -> Extra:
    del layer, x, y
    return {}


def _pycls(layer: Layer, x: Shape, y: Shape) -> Extra:
    match layer:
        case Contraction():
            return {"bias": _bias(layer, x, y)}
        case _:
            return {}


def _fvcore(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count by the operators of a trace. Its pools are the adaptive means alone."""
    match layer:
        case Composite():
            return {}
        case StdConv():
            return {STANDARDIZED: _standardization(layer, x)}
        case BatchNorm(track_running_stats=True):
            return {layer.kind: x.elements * _affine(layer, x, 2, 1)}
        case Norm():
            return {layer.kind: x.elements * _affine(layer, x, 5, 4)}
        case AvgPool(kernel_size=None):
            return {layer.kind: x.elements}
        case Upsample():
            return {layer.kind: y.elements * (4 if layer.mode == "bilinear" else 1)}
        case _:
            return {}


def _timm(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count as fvcore does for timm's networks, which take means in place of adaptive pools."""
    return {} if isinstance(layer, AvgPool) else _fvcore(layer, x, y)


def _torchinfo(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count by the parameters called `weight` and `bias`: once for each output pixel of what has
    Conv in its name, else once.
    """
    match layer:
        case Upconv():
            at_outputs = _weights(layer, x) * prod(y.spatial)
            return {"upconv at outputs": at_outputs - layer.macs(x, y), "bias": _bias(layer, x, y)}
        case Conv():
            return {"bias": _bias(layer, x, y)}
        case ChannelConvOp():
            once = _weights(layer, x)
            return {
                "channel_conv at one position": once - layer.macs(x, y),
                "bias": int(layer.bias),
            }
        case Linear():
            once = _weights(layer, x)
            return {
                "linear at one position": once - layer.macs(x, y),
                "bias": layer.out_features if layer.bias else 0,
            }
        case BlurPoolOp():
            return {OWN_CLASS: -layer.macs(x, y)}
        case ContextPoolOp():
            return {"conv at one position": _weights(layer, x) - layer.macs(x, y), "bias": 1}
        case Norm() | Prelu() | GrnOp():
            tensors = layer.parameters(x)
            named = [dims for name, dims in tensors.items() if name in ("weight", "bias")]
            return {layer.kind: sum(map(prod, named))}
        case _:
            return {}


def _ptflops(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count by modules of torch's own classes, and by functions of `torch.nn.functional`: what is
    both, and no convolution or norm, counts twice.
    """
    match layer:
        case StdConv() | Conv(padding="same") | ChannelConvOp() | BlurPoolOp():
            return {OWN_CLASS: -layer.macs(x, y)}
        case ContextPoolOp():
            return {OWN_CLASS: -x.elements}
        case Lrn():
            return {layer.kind: _lrn(layer, x)}
        case Pool(padding="same"):
            return {layer.kind: layer.intermediate(x)}
        case Contraction():
            return {"bias": _bias(layer, x, y)}
        case BatchNorm() | GroupNorm():
            return {layer.kind: x.elements * _affine(layer, x, 2, 1)}
        case LayerNorm() | Relu6() | Silu() | LeakyRelu() | Softmax(parts=1):
            return {layer.kind: x.elements}
        case Relu() | Gelu() | Elu() | Prelu() | Pool():
            return {layer.kind: 2 * x.elements}
        case Upsample():
            return {layer.kind: 2 * y.elements}
        case _:
            return {}


def _thop(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count by modules of torch's own classes."""
    match layer:
        case StdConv() | Conv(padding="same") | ChannelConvOp() | BlurPoolOp() | ContextPoolOp():
            return {OWN_CLASS: -layer.macs(x, y)}
        case Pool(padding="same"):
            return {}
        case Upconv():
            at_outputs = y.elements * (x.channels // layer.groups) * prod(layer.kernel_size)
            return {"upconv at outputs": at_outputs - layer.macs(x, y)}
        case BatchNorm() | LayerNorm():
            return {layer.kind: x.elements * _affine(layer, x, 4, 2)}
        case AvgPool(kernel_size=None):
            (h, w), (rows, columns) = x.spatial, y.spatial
            return {
                layer.kind: int(((h / rows) * (w / columns) + 1) * y.elements)
            }  # rounded as thop's own float64 is
        case AvgPool():
            return {layer.kind: y.elements}
        case Prelu():
            return {layer.kind: x.elements}
        case Upsample():
            return {layer.kind: y.elements * (11 if layer.mode == "bilinear" else 1)}
        case Softmax(parts=1):
            return {layer.kind: (3 * x.channels - 1) * (x.elements // x.channels)}
        case _:
            return {}


def _deepspeed(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count by functions of `torch.nn.functional`; as torch's ReLU6 calls `hardtanh`, it counts
    nothing there.
    """
    match layer:
        case Linear() | BlurPoolOp():
            return {"additions": layer.macs(x, y)}
        case ContextPoolOp():
            return {"additions": layer.macs(x, y), "bias": prod(x.spatial)}
        case Lrn():
            return {layer.kind: _lrn(layer, x)}
        case Composite():
            return {}
        case StdConv():
            return {
                "additions": layer.macs(x, y),
                "bias": _bias(layer, x, y),
                STANDARDIZED: _standardization(layer, x),
            }
        case Contraction():
            return {"additions": layer.macs(x, y), "bias": _bias(layer, x, y)}
        case BatchNorm(track_running_stats=True):
            return {layer.kind: x.elements * _affine(layer, x, 2, 1)}
        case Norm():
            return {layer.kind: x.elements * _affine(layer, x, 5, 4)}
        case Pool(padding="same"):
            return {layer.kind: layer.intermediate(x)}
        case Relu() | Silu() | Gelu() | LeakyRelu() | Elu() | Prelu() | Pool():
            return {layer.kind: x.elements}
        case Softmax(parts=1):
            return {layer.kind: x.elements}
        case Upsample(size=None):
            return {layer.kind: y.elements}
        case Upsample():  # which it takes for a single pixel, without batch and channels
            return {layer.kind: prod(y.spatial)}
        case _:
            return {}


def _torch(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count by the operators that torch dispatches: the contractions alone, 2 for each macs."""
    return {"additions": layer.macs(x, y)}


def _ultralytics(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count twice what its own thop counts, by modules of torch's classes and of derived ones."""
    extra = _its_thop(layer, x, y)
    return {"additions": layer.macs(x, y), **{name: 2 * value for name, value in extra.items()}}


def _its_thop(layer: Layer, x: Shape, y: Shape) -> Extra:
    match layer:
        case BlurPoolOp():
            return {OWN_CLASS: -layer.macs(x, y)}
        case ContextPoolOp():
            return {OWN_CLASS: y.elements * x.channels - layer.macs(x, y)}
        case Composite():
            return {}
        case Norm():
            return {layer.kind: x.elements * _affine(layer, x, 4, 2)}
        case AvgPool(kernel_size=None):
            return {layer.kind: layer.elementwise(x, y) + y.elements}
        case AvgPool():
            return {layer.kind: x.channels * _window_pixels(layer, x, y) + y.elements}
        case Prelu():
            return {layer.kind: x.elements}
        case Upsample(mode="bilinear"):
            return {layer.kind: 11 * y.elements}
        case Softmax(parts=1):
            return {layer.kind: (3 * x.channels - 1) * (x.elements // x.channels)}
        case _:
            return {}


def _window_pixels(pool: AvgPool, x: Shape, y: Shape) -> int:
    """Return the pixels in all windows of a pool together; padding counts where the pool has it."""
    assert pool.kernel_size is not None
    if isinstance(pool.padding, str):
        return prod(y.spatial) * prod(pool.kernel_size)
    axes = zip(x.spatial, y.spatial, pool.kernel_size, pool.stride, pool.padding, strict=True)
    return prod(
        _pixels_on_axis(size, outputs, kernel, stride, padding, pool.count_include_pad)
        for size, outputs, kernel, stride, padding in axes
    )


def _pixels_on_axis(
    size: int, outputs: int, kernel: int, stride: int, padding: int, padding_counts: bool
) -> int:
    margin = padding if padding_counts else 0
    starts = (i * stride - padding for i in range(outputs))
    return sum(min(start + kernel, size + margin) - max(start, -margin) for start in starts)


def _keras(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count parameters, among them the running statistics of a norm, as non-trainable ones."""
    del y
    statistics = sum(prod(shape) for shape in layer.buffers(x).values() if shape)
    return {f"statistics of {layer.kind}": statistics}


def _affine(layer: Layer, x: Shape, affine: int, plain: int) -> int:
    return affine if layer.parameters(x) else plain


def _standardization(conv: StdConv, x: Shape) -> int:
    """Return what a norm of the weight adds, once whatever the batch."""
    return _weights(conv, x) * (5 if isinstance(conv, ScaledStdConv) else 4)


def _lrn(layer: Lrn, x: Shape) -> int:
    """Return two products and a sum for each element, and one for each that the pool reads."""
    _, padded, *_ = layer.operations(x)
    return 3 * x.elements + padded.elements


def _weights(layer: Layer, x: Shape) -> int:
    return prod(layer.parameters(x)["weight"])


def _bias(layer: Layer, x: Shape, y: Shape) -> int:
    return y.elements if "bias" in layer.parameters(x) else 0


class Dialect(NamedTuple):
    """The way in which a tool counts: what its total starts from, and what it adds to that."""

    rule: Rule
    start: Literal["macs", "params"] = "macs"


DIALECTS = {
    "paper": Dialect(_macs),
    "torchvision": Dialect(_macs),
    "timm": Dialect(_timm),
    "torch": Dialect(_torch),
    "pycls": Dialect(_pycls),
    "fvcore": Dialect(_fvcore),
    "torchinfo": Dialect(_torchinfo),
    "ptflops": Dialect(_ptflops),
    "thop": Dialect(_thop),
    "ultralytics": Dialect(_ultralytics),
    "deepspeed": Dialect(_deepspeed),
    "keras": Dialect(_keras, "params"),
}
