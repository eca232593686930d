"""Labels of layers as in the figures of He et al. 2015: `3x3 conv, 64, /2`."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.backends.summary import call
from resspec.ir.ops import Layer
from resspec.ir.ops.conv import Conv, Upconv
from resspec.ir.ops.layer import ONE, short
from resspec.ir.ops.window import Pool
from resspec.ir.shape import Shape

ARRANGING = frozenset({"subsample", "pad_channels"})  # of a shortcut, a dashed arc says it
_FAMILIES = frozenset({"conv", "window"})
_KINDS = ARRANGING | {"shuffle", "chunk", "slice"}


def is_quiet(layer: Layer) -> bool:
    """Return whether the paper's figures leave it out: norms, activations, dropout, flattening."""
    return type(layer).__module__.rpartition(".")[2] not in _FAMILIES and layer.kind not in _KINDS


def label(layer: Layer, x: Shape) -> str:
    return ", ".join(_words(layer, x))


def _words(layer: Layer, x: Shape) -> Iterator[str]:
    match layer:
        case Conv() | Upconv():
            depthwise = layer.groups == x.channels > 1
            yield f"{_size(layer.kernel_size)} {'depthwise' if depthwise else layer.kind}"
            yield str(layer.out_channels)
            if layer.groups > 1 and not depthwise:
                yield f"{layer.groups} groups"
            if layer.dilation != ONE:
                yield f"dilated {short(layer.dilation)}"
            yield from _stride(layer.stride)
        case Pool(kernel_size=None):
            to = layer.to if layer.to not in (None, ONE) else None
            yield f"{_pool(layer)} to {_size(to)}" if to else f"global {_pool(layer)}"
        case Pool(kernel_size=(_, _) as window):
            yield f"{_size(window)} {_pool(layer)}"
            yield from _stride(layer.stride)
        case _:
            yield call(layer)


def _pool(layer: Layer) -> str:
    return {"maxpool": "max pool", "avgpool": "avg pool"}[layer.kind]


def _stride(stride: tuple[int, int]) -> Iterator[str]:
    if stride != ONE:
        yield f"/{stride[0] if stride[0] == stride[1] else _size(stride)}"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
