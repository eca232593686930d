"""The totals of other tools, from the IR alone, each with the bridge from macs to it: a fold in
which a repeat multiplies.

Every tool counts the multiply-accumulates of convolutions and linear layers, and then something of
its own. A rule below says what a tool adds for a layer of one sample in evaluation, under the name
it has in the bridge: the layer's word in the language, or what else it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from math import prod
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
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
from resspec.ir.ops.conv import Contraction, Conv, Linear, Upconv
from resspec.ir.ops.factors import Prelu
from resspec.ir.ops.norm import BatchNorm, GroupNorm, LayerNorm, Norm
from resspec.ir.ops.resize import Upsample
from resspec.ir.ops.window import AvgPool, Pool
from resspec.ir.shape import Shape
from resspec.ir.tools import TOOLS
from resspec.passes.measure import measure


class Item(NamedTuple):
    label: str
    value: int


class Like(NamedTuple):
    """The total of one sample that `tool` in `version` gives, which `bridge` adds up to, macs
    first, then the largest. `uncounted`: what of this network calculates and adds nothing to it, as
    words of the language, and `bias of conv`.
    """

    tool: str
    version: str
    counts: str
    total: int
    bridge: tuple[Item, ...]
    uncounted: tuple[str, ...]


def like(network: Network, tool: str) -> Like:
    """Return the total of a tool of TOOLS, and how it comes about; KeyError for another one."""
    combine = partial(_count, RULES[tool])
    found = walk.fold(walk.whole(network).node, combine, {})
    extra = sorted(found.extra.items(), key=lambda item: (-abs(item[1]), item[0]))
    bridge = (
        Item("macs", measure(network).macs),
        *(Item(label, value) for label, value in extra if value),
    )
    return Like(
        tool,
        *TOOLS[tool],
        sum(item.value for item in bridge),
        bridge,
        tuple(sorted(found.uncounted)),
    )


# --- what each tool adds to the macs of a layer ---

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
        case Linear():
            once = _weights(layer, x)
            return {
                "linear at one position": once - layer.macs(x, y),
                "bias": layer.out_features if layer.bias else 0,
            }
        case Norm() | Prelu():
            return {layer.kind: sum(map(prod, layer.parameters(x).values()))}
        case _:
            return {}


def _ptflops(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count by modules, and by functions of `torch.nn.functional`: what is both, and no
    convolution or norm, counts twice.
    """
    match layer:
        case Contraction():
            return {"bias": _bias(layer, x, y)}
        case BatchNorm() | GroupNorm():
            return {layer.kind: x.elements * _affine(layer, x, 2, 1)}
        case LayerNorm() | Relu6() | Silu() | LeakyRelu() | Softmax():
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
        case Softmax():
            return {layer.kind: (3 * x.channels - 1) * (x.elements // x.channels)}
        case _:
            return {}


def _deepspeed(layer: Layer, x: Shape, y: Shape) -> Extra:
    """Count by functions of `torch.nn.functional`; as torch's ReLU6 calls `hardtanh`, it counts
    nothing there.
    """
    match layer:
        case Linear():
            return {"additions": layer.macs(x, y)}
        case Contraction():
            return {"additions": layer.macs(x, y), "bias": _bias(layer, x, y)}
        case BatchNorm(track_running_stats=True):
            return {layer.kind: x.elements * _affine(layer, x, 2, 1)}
        case Norm():
            return {layer.kind: x.elements * _affine(layer, x, 5, 4)}
        case Relu() | Silu() | Gelu() | LeakyRelu() | Elu() | Prelu() | Pool():
            return {layer.kind: x.elements}
        case Softmax():
            return {layer.kind: x.elements}
        case Upsample(size=None):
            return {layer.kind: y.elements}
        case Upsample():  # which it takes for a single pixel, without batch and channels
            return {layer.kind: prod(y.spatial)}
        case _:
            return {}


def _affine(layer: Layer, x: Shape, affine: int, plain: int) -> int:
    return affine if layer.parameters(x) else plain


def _weights(layer: Layer, x: Shape) -> int:
    return prod(layer.parameters(x)["weight"])


def _bias(layer: Layer, x: Shape, y: Shape) -> int:
    return y.elements if "bias" in layer.parameters(x) else 0


RULES: dict[str, Rule] = {
    "paper": _macs,
    "torchvision": _macs,
    "pycls": _pycls,
    "fvcore": _fvcore,
    "torchinfo": _torchinfo,
    "ptflops": _ptflops,
    "thop": _thop,
    "deepspeed": _deepspeed,
}


# --- the fold ---


class _Counted(NamedTuple):
    extra: Counter[str]
    uncounted: frozenset[str]


def _count(rule: Rule, node: Node, parts: list[_Counted]) -> _Counted:
    match node:
        case Op():
            return _layer(node, rule)
        case Parallel():
            return _sum([*parts, _merge(node)])
        case Repeat(count=count):
            extra = {label: count * value for label, value in parts[0].extra.items()}
            return parts[0]._replace(extra=Counter(extra))
        case Series() | Scope():
            return _sum(parts)


def _sum(parts: Iterable[_Counted]) -> _Counted:
    extra: Counter[str] = Counter()
    uncounted: set[str] = set()
    for part in parts:
        extra.update(part.extra)
        uncounted |= part.uncounted
    return _Counted(extra, frozenset(uncounted))


def _layer(op: Op, rule: Rule) -> _Counted:
    layer, x, y = op.layer, op.input, op.output
    extra, macs = rule(layer, x, y), layer.macs(x, y)
    uncounted = set()
    if not macs + sum(extra.values()) and layer.elementwise(x, y):
        uncounted.add(layer.kind)
    if isinstance(layer, Contraction) and _bias(layer, x, y) and "bias" not in extra:
        uncounted.add(f"bias of {layer.kind}")
    return _Counted(Counter(extra), frozenset(uncounted))


def _merge(node: Parallel) -> _Counted:
    """No tool sees a sum or a product, which is written `+` or `*`."""
    calculates = node.merge != "concat" and len(node.paths) > 1
    return _Counted(Counter(), frozenset({node.merge} if calculates else ()))
