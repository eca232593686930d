"""ONNX's operators as the functions of torch that compute the same."""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import prod
from typing import Any

from resspec.importing.files.errors import Malformed
from resspec.importing.onnx.patterns import GELU, LINEAR, MISH, SWISH
from resspec.importing.onnx.tracing import OnnxTracing, transposed
from resspec.importing.onnx.windows import Window, pool, window
from resspec.importing.trace import Value

Sizes = tuple[int, ...]


# --- contractions ---


def conv(to: OnnxTracing) -> None:
    x, sides = _padded(to, window(to, to.sizes(1)[2:]))
    named = to.weights(weight=1, bias=_bias(to, 2))
    to.note_fused()
    kwargs = {"stride": sides.strides, "dilation": sides.dilations, "padding": sides.begins}
    groups = to.attribute("group", 1)
    to.call(f"conv{len(sides.kernel)}d", x, **named, **kwargs, groups=groups)


def conv_transpose(to: OnnxTracing) -> None:
    sides = window(to, to.sizes(1)[2:])
    if not sides.is_even:
        raise Malformed("a ConvTranspose has different padding on two sides")
    named = to.weights(weight=1, bias=_bias(to, 2))
    more = list(to.attribute("output_padding", [0] * len(sides.kernel)))
    kwargs = {"stride": sides.strides, "dilation": sides.dilations, "padding": sides.begins}
    groups = to.attribute("group", 1)
    to.call("conv_transpose2d", to.value(), **named, **kwargs, output_padding=more, groups=groups)


def _bias(to: OnnxTracing, index: int) -> int | None:
    """Return the input that is a bias; None for one that was computed, which is zero."""
    return None if to.held(index) is None else index


def _padded(to: OnnxTracing, sides: Window) -> tuple[Any, Window]:
    """Return the input of a window, with a border of its own where the sides differ."""
    x = to.value()
    if sides.is_even:
        return x, sides
    padded = to.call_before(sides.padded(to.sizes()), "pad", x, sides.border)
    return padded, sides.without_padding()


def gemm(to: OnnxTracing) -> None:
    factors = (to.attribute("alpha", 1.0), to.attribute("beta", 1.0))
    if factors != (1.0, 1.0) or to.attribute("transA", 0):
        to.call("Gemm", to.value())
        return
    _linear(to, is_transposed=bool(to.attribute("transB", 0)))


def linear(to: OnnxTracing) -> None:
    _linear(to, is_transposed=False)


def _linear(to: OnnxTracing, *, is_transposed: bool) -> None:
    if to.held(1) is None:
        to.call("matmul", to.value(), to.value(1))
        return
    bias = 2 if to.held(2) is not None else None
    named = to.weights(weight=1, bias=bias)
    weight = named["weight"]
    if weight is not None and not is_transposed:
        named["weight"] = to.transpose(weight)
    to.call("linear", to.value(), **named)


# --- norms ---


def batch_norm(to: OnnxTracing) -> None:
    named = to.weights(weight=1, bias=2, running_mean=3, running_var=4)
    kept = to.attribute("momentum", 0.9)
    kwargs = {"momentum": short(1 - kept), "eps": short(to.attribute("epsilon", 1e-5))}
    to.call("batch_norm", to.value(), **named, **kwargs)


def group_norm(to: OnnxTracing) -> None:
    named = to.weights(weight=1, bias=2)
    groups = to.attribute("num_groups", 1)
    eps = short(to.attribute("epsilon", 1e-5))
    to.call("group_norm", to.value(), groups, **named, eps=eps)


def layer_norm(to: OnnxTracing) -> None:
    sizes = to.sizes()
    axis = to.attribute("axis", -1) % len(sizes)
    named = to.weights(weight=1, bias=2)
    eps = short(to.attribute("epsilon", 1e-5))
    to.call("layer_norm", to.value(), list(sizes[axis:]), **named, eps=eps)


def short(number: float) -> float:
    """Return the shortest decimal number that is the same in single precision."""
    return float(f"{number:.7g}")


# --- functions of each element ---


def _plain(function: str) -> Callable[[OnnxTracing], None]:
    def called(to: OnnxTracing) -> None:
        to.call(function, to.value())

    return called


def _with(function: str, **attributes: tuple[str, float]) -> Callable[[OnnxTracing], None]:
    """Return what calls a function with attributes of the node, given with their defaults."""

    def called(to: OnnxTracing) -> None:
        kwargs = {
            word: short(to.attribute(name, default)) for word, (name, default) in attributes.items()
        }
        to.call(function, to.value(), **kwargs)

    return called


def hard_sigmoid(to: OnnxTracing) -> None:
    slope, offset = to.attribute("alpha", 0.2), to.attribute("beta", 0.5)
    is_torchs = abs(slope - 1 / 6) < 1e-6 and offset == 0.5
    to.call("hardsigmoid" if is_torchs else "HardSigmoid", to.value())


def clip(to: OnnxTracing) -> None:
    least, most = to.number(1), to.number(2)
    if least is None and most is None:
        least, most = to.node.attributes.get("min"), to.node.attributes.get("max")
    to.call("clamp", to.value(), least, most)


def gelu(to: OnnxTracing) -> None:
    word = to.attribute("approximate", b"none")
    to.call("gelu", to.value(), approximate=word.decode(errors="replace"))


def prelu(to: OnnxTracing) -> None:
    to.call("prelu", to.value(), to.flat(to.weights(weight=1)["weight"]))


def softmax(to: OnnxTracing) -> None:
    to.call("softmax", to.value(), dim=to.attribute("axis", -1))


def power(to: OnnxTracing) -> None:
    to.call("pow", to.value(), to.number(1))


# --- pools ---


def _global(function: str) -> Callable[[OnnxTracing], None]:
    def called(to: OnnxTracing) -> None:
        to.call(function, to.value(), 1)

    return called


def _over_axes(function: str) -> Callable[[OnnxTracing], None]:
    def called(to: OnnxTracing) -> None:
        given = to.node.attributes.get("axes")
        axes = to.number(1) if given is None else list(given)
        to.call(function, to.value(), dim=axes, keepdim=bool(to.attribute("keepdims", 1)))

    return called


# --- arrangement ---


def view(to: OnnxTracing) -> None:
    if isinstance(to.value(), Value):
        to.call("reshape", to.value(), to.calls.sizes(to.made()))
    else:
        to.same(to.value())


def permute(to: OnnxTracing) -> None:
    held = to.held(0)
    if held is not None:
        to.hold(transposed(held) if len(held.dims) == 2 else None)
        return
    backwards = list(range(len(to.sizes())))[::-1]
    to.call("permute", to.value(), list(to.attribute("perm", backwards)))


def concat(to: OnnxTracing) -> None:
    values = [to.value(index) for index in range(len(to.node.inputs))]
    to.call("cat", values, to.attribute("axis", 0))


def split(to: OnnxTracing) -> None:
    axis = to.attribute("axis", 0)
    widths = [to.made(index)[axis] for index in range(len(to.node.outputs))]
    to.call_for_several("split", to.value(), widths, axis)


def sliced(to: OnnxTracing) -> None:
    given = [to.number(index) for index in (1, 2, 3, 4)]
    if given[0] is None:
        given = [to.node.attributes.get(name) for name in ("starts", "ends", "axes", "steps")]
    starts, stops, axes, steps = given
    if starts is None or stops is None:
        raise Malformed("a Slice has bounds that are computed")
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    index = [slice(None)] * len(to.sizes())
    for axis, *bounds in zip(axes, starts, stops, steps, strict=True):
        index[axis] = slice(*bounds)
    to.call("__getitem__", to.value(), tuple(index))


def gather(to: OnnxTracing) -> None:
    axis, at = to.attribute("axis", 0) % len(to.sizes()), to.number(1)
    if _is_whole(to, axis):
        view(to)
        return
    if not isinstance(at, int):
        to.call("Gather", to.value())
        return
    to.call("__getitem__", to.value(), (*(slice(None),) * axis, at))


def _is_whole(to: OnnxTracing, axis: int) -> bool:
    """Return whether a Gather takes all elements of an axis in order: torch's `as_strided`."""
    index, count = to.held(1), to.sizes()[axis]
    if index is None or axis or index.dtype != "int64" or prod(index.dims) != count:
        return False
    return index.content() == struct.pack(f"<{count}q", *range(count))


def pad(to: OnnxTracing) -> None:
    pads = to.number(1) or to.node.attributes.get("pads")
    mode = to.attribute("mode", b"constant").decode(errors="replace")
    if not isinstance(pads, list) or len(pads) != 2 * len(to.sizes()):
        raise Malformed("a Pad has a border that is computed")
    value = to.number(2)
    axes = len(pads) // 2
    pairs = [(pads[axis], pads[axis + axes]) for axis in range(axes)]
    border = [side for pair in reversed(pairs) for side in pair]
    while len(border) > 4 and not any(border[-2:]):
        del border[-2:]
    words = {"edge": "replicate"}
    to.call("pad", to.value(), border, words.get(mode, mode), value)


def resize(to: OnnxTracing) -> None:
    mode = to.attribute("mode", b"nearest").decode(errors="replace")
    place = to.attribute("coordinate_transformation_mode", b"half_pixel").decode(errors="replace")
    rounding = to.attribute("nearest_mode", b"round_prefer_floor").decode(errors="replace")
    scales = to.number(2) if to.node.kind == "Resize" else to.number(1)
    factor = scales[2:] if isinstance(scales, list) and len(scales) > 2 else None
    match mode, place:
        case "nearest", "asymmetric" if rounding == "floor" or to.node.kind == "Upsample":
            corners, word = None, "nearest"
        case "linear", "half_pixel" | "pytorch_half_pixel":
            corners, word = False, "bilinear"
        case "linear", "align_corners":
            corners, word = True, "bilinear"
        case _:
            to.call("Resize", to.value())
            return
    size = None if factor else list(to.made()[2:])
    to.call("interpolate", to.value(), size, factor, word, corners)


def depth_to_space(to: OnnxTracing) -> None:
    is_torchs = to.attribute("mode", b"DCR") == b"CRD"
    function = "pixel_shuffle" if is_torchs else "DepthToSpace"
    to.call(function, to.value(), to.attribute("blocksize", 1))


# --- two values, or the same ---


def _binary(function: str) -> Callable[[OnnxTracing], None]:
    def called(to: OnnxTracing) -> None:
        result = to.value()
        for index in range(1, len(to.node.inputs)):
            result = to.call(function, result, to.value(index))

    return called


def same(to: OnnxTracing) -> None:
    to.same(to.value())


def dropout(to: OnnxTracing) -> None:
    ratio = to.number(1)
    given = to.attribute("ratio", 0.5) if ratio is None else ratio
    to.call("dropout", to.value(), p=short(given))


OPERATORS: dict[str, Callable[[OnnxTracing], None]] = {
    "Add": _binary("add"),
    "AveragePool": pool,
    "BatchNormalization": batch_norm,
    "Cast": same,
    "Celu": _with("celu", alpha=("alpha", 1.0)),
    "Clip": clip,
    "Concat": concat,
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "DepthToSpace": depth_to_space,
    "Div": _binary("div"),
    "Dropout": dropout,
    "Elu": _with("elu", alpha=("alpha", 1.0)),
    "Flatten": view,
    "Gather": gather,
    GELU: gelu,
    "Gemm": gemm,
    "GlobalAveragePool": _global("adaptive_avg_pool2d"),
    "GlobalMaxPool": _global("adaptive_max_pool2d"),
    "GroupNormalization": group_norm,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": _plain("hardswish"),
    "Identity": same,
    "LayerNormalization": layer_norm,
    "LeakyRelu": _with("leaky_relu", negative_slope=("alpha", 0.01)),
    LINEAR: linear,
    "MatMul": linear,
    "MaxPool": pool,
    MISH: _plain("mish"),
    "Mul": _binary("mul"),
    "PRelu": prelu,
    "Pad": pad,
    "Pow": power,
    "ReduceMax": _over_axes("amax"),
    "ReduceMean": _over_axes("mean"),
    "ReduceSum": _over_axes("sum"),
    "Relu": _plain("relu"),
    "Reshape": view,
    "Resize": resize,
    "Sigmoid": _plain("sigmoid"),
    "Slice": sliced,
    "Softmax": softmax,
    "Softplus": _plain("softplus"),
    "Split": split,
    "Squeeze": view,
    "Sum": _binary("add"),
    SWISH: _plain("silu"),
    "Tanh": _plain("tanh"),
    "Transpose": permute,
    "Unsqueeze": view,
    "Upsample": resize,
}
