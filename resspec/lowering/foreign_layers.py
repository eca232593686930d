"""Layers as other libraries call them: what they are called here, or what a spec has in place of
one that it lacks.

The keys are in lower case, without `_` and without `2d` at the end: `AdaptiveAvgPool2d` is looked
up as `adaptiveavgpool`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from resspec.ir.ops import OPS
from resspec.ir.ops.activation import Pointwise, SquareOp
from resspec.ir.ops.factors import Prelu

_CALLED = {
    "conv": "convolution",
    "std_conv": "stdconv weightstandardizedconv wsconv",
    "scaled_std_conv": "scaledstdconv",
    "upconv": "convtranspose transposedconv deconv deconvolution convtransposed",
    "fc": "dense fullyconnected classifier",
    "linear": "innerproduct lazylinear",
    "bn": "batchnorm batchnormalization",
    "gn": "groupnorm groupnormalization",
    "ln": "layernorm layernormalization",
    "silu": "swish",
    "hardswish": "hswish",
    "hardsigmoid": "hsigmoid",
    "lrn": "localresponsenorm crossmaplrn",
    "grn": "globalresponsenorm",
    "blurpool": "blurdown",
    "evonorm_s0": "evonorm evonorms0",
    "context_pool": "globalcontext gcmodule",
    "leaky_relu": "lrelu",
    "upsample": "upsampling upsamplingnearest upsamplingbilinear interpolate resize",
    "pixel_shuffle": "depthtospace",
    "pixel_unshuffle": "spacetodepth",
    "pad": "zeropad zeropadding constantpad reflectionpad replicationpad",
    "avgpool": "gap globalpool globalavgpool globalaveragepooling adaptiveavgpool averagepooling "
    "meanpool",
    "maxpool": "globalmaxpool globalmaxpooling adaptivemaxpool maxpooling",
    "drop_path": "stochasticdepth",
    "shuffle": "channelshuffle",
    "identity": "noop skip nothing",
    "flatten": "reshape view",
    "to_last": "permute transpose",
}
NAMES = {other: name for name, others in _CALLED.items() for other in others.split()}

_POINTWISE_KINDS = [
    f"`{kind}`"
    for kind, op in OPS.items()
    if issubclass(op, Pointwise | Prelu) and op is not SquareOp
]
_ACTIVATIONS = f"the activations are {', '.join(_POINTWISE_KINDS[:-1])} and {_POINTWISE_KINDS[-1]}"
_NORMS = "the norms are `bn`, `gn`, `ln`, `ln2d`, `rms_norm`, `simple_norm`, `grn` and `lrn`"
_POOLS = "the pools are `maxpool`, `avgpool` and `blurpool`"
_REGULARIZERS = "the layers that act only in training are `dropout` and `drop_path`"
_ECA = "ECA is `mul { identity | avgpool -> channel_conv 3 -> sigmoid }`"
_LARGER = (
    "`upsample 2` doubles height and width; `upconv 2x2, 64, /2` does so with weights to learn"
)
_PADDING = (
    "a border holds zeros, or with `mode=` a reflection or the nearest pixel: "
    "`pad 1, 1, 1, 1, mode=reflect`"
)
TWO_DIMENSIONS = "layers work on two dimensions, height and width, and their names do not say so"
_SOFTMAX = "leave it out: the loss applies it"
_SQUARED = "a squared ReLU is `relu -> square`"
_DEPTHWISE = (
    "a depthwise conv is `conv 3x3, in, groups=in` in a block, `conv 3x3, 64, groups=64` outside"
)
_POINTWISE = "a pointwise conv is `conv 1x1, 64`"
_OTHER = "grammar/README.md lists all layers"

_INSTEAD = {
    _ACTIVATIONS: "softmin rrelu selu softsign glu hardtanh threshold tanhshrink hardshrink "
    "softshrink logsigmoid acon exp sqrt",
    _SQUARED: "squaredrelu sqrrelu relu2",
    _ECA: "eca ecamodule efficientchannelattention",
    _SOFTMAX: "logsoftmax crossentropy crossentropyloss",
    _DEPTHWISE: "dwconv depthwise depthwiseconv separableconv sepconv dwsconv",
    _POINTWISE: "pointwise pointwiseconv pwconv",
    _NORMS: "instancenorm syncbatchnorm syncbn frn weightnorm spectralnorm",
    _POOLS: "lppool fractionalmaxpool stochasticpool",
    _REGULARIZERS: "alphadropout featurealphadropout dropblock spatialdropout shakedrop",
    _LARGER: "bilinear nearest unpool maxunpool",
    _PADDING: "circularpad",
    _OTHER: "lstm gru rnn attention multiheadattention selfattention transformer embedding fold "
    "unfold matmul einsum clamp",
}
INSTEAD = {name: sentence for sentence, names in _INSTEAD.items() for name in names.split()}

MERGES = {
    **dict.fromkeys(("cat", "concatenate", "stack", "join"), "concat"),
    **dict.fromkeys(("sum", "plus", "merge"), "add"),
    **dict.fromkeys(("multiply", "product", "times", "gate"), "mul"),
}

_ARGUMENTS = {
    "padding": "pad pads",
    "kernel_size": "kernel size k ksize",
    "out_channels": "filters channels out_features features units output num_output width",
    "bias": "use_bias bias_term",
    "groups": "group num_groups",
    "dilation": "dilation_rate rate",
    "p": "rate drop_rate drop_prob drop prob",
}
_KERNEL_IN_NAME = re.compile(r"(?:conv|cv)_?([1-9][0-9]?)(?:x([1-9][0-9]?))?(?:_?bn)?(?:_?relu)?")


def argument(word: str, legal: Collection[str]) -> tuple[str, ...]:
    """Return what an argument of another library is called here, of those that a layer takes."""
    return tuple(
        name for name, others in _ARGUMENTS.items() if name in legal and word in others.split()
    )


def names(word: str) -> tuple[str, ...]:
    """Return what a layer of another library is called here, if it is there under another name."""
    plain = _plain(word)
    name = NAMES.get(plain) or next(
        (kind for kind in OPS if kind.replace("_", "") == plain and kind != word), None
    )
    if name is None and NAMES.get(plain.removesuffix("1d")) == "bn":
        name = "bn"
    return (name,) if name else ()


def merges(word: str) -> tuple[str, ...]:
    """Return what a merge of another library is called here."""
    name = MERGES.get(_plain(word))
    return (name,) if name else ()


def instead(word: str) -> str | None:
    """Return a sentence about what a spec has in place of a layer that other libraries have."""
    plain = _plain(word)
    if sides := _KERNEL_IN_NAME.fullmatch(word):
        return f"the kernel is an argument: `conv {sides[1]}x{sides[2] or sides[1]}, 64`"
    if plain.endswith(("1d", "3d")) and not names(word):
        base = plain[:-2]
        return TWO_DIMENSIONS if base in OPS or base in NAMES or base in INSTEAD else None
    return INSTEAD.get(plain)


def _plain(word: str) -> str:
    return word.lower().replace("_", "").removesuffix("2d")
