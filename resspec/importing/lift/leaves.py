"""Modules that are recorded as a whole: layers that torch computes by several calls."""

from __future__ import annotations

from typing import Any

from resspec.importing.lift.arranged import Arranged
from resspec.importing.lift.lifter import Handler, Lifter
from resspec.importing.lift.numbers import exact, size
from resspec.importing.lift.problems import Problem
from resspec.ir.ops.arrange import ToLastOp
from resspec.ir.ops.composite_norm import EvoNormS0Op, GrnOp, Lrn, RmsNormOp, SimpleNormOp
from resspec.ir.ops.composite_pool import BlurPoolOp, ContextPoolOp
from resspec.ir.ops.placeholder import PlaceholderOp


def grn(to: Lifter, input: Any, *, eps: float, weight: Any, bias: Any, **_: Any) -> Arranged:
    return to.weighted(GrnOp(eps=exact(eps)), input, {"weight": weight, "bias": bias})


def evonorm_s0(
    to: Lifter,
    input: Any,
    *,
    groups: int,
    eps: float,
    weight: Any,
    bias: Any,
    v: Any = None,
    **_: Any,
) -> Arranged:
    if v is None:
        raise Problem("it has no activation", "`evonorm_s0` has one")
    layer = EvoNormS0Op(groups=groups, eps=exact(eps))
    return to.weighted(layer, input, {"weight": weight, "bias": bias, "v": v})


def rms_norm(to: Lifter, input: Any, *, eps: float, weight: Any = None, **_: Any) -> Arranged:
    layer = RmsNormOp(eps=exact(eps), affine=weight is not None)
    return to.weighted(layer, input, {"weight": weight})


def simple_norm(to: Lifter, input: Any, *, eps: float, weight: Any = None, **_: Any) -> Arranged:
    layer = SimpleNormOp(eps=exact(eps), affine=weight is not None)
    return to.weighted(layer, input, {"weight": weight})


def blurpool(
    to: Lifter,
    input: Any,
    *,
    stride: Any,
    pad_mode: str = "reflect",
    mode: str = "",
    filt: Any = None,
    filter: Any = None,
    **_: Any,
) -> Arranged:
    word = "zeros" if pad_mode == "constant" else mode or pad_mode
    kernel = (filt or filter).dims[-1]
    return to.layer(BlurPoolOp(kernel_size=kernel, stride=size(stride), mode=word), input)


def context_pool(to: Lifter, input: Any, *, weight: Any, bias: Any, **_: Any) -> Arranged:
    return to.weighted(ContextPoolOp(), input, {"weight": weight, "bias": bias})


def local_response_norm(
    to: Lifter, input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Arranged:
    return to.layer(Lrn(size=size, alpha=exact(alpha), beta=exact(beta), k=exact(k)), input)


def placeholder(to: Lifter, input: Any) -> Arranged:
    """Lift the gap that `gaps.py` put in place of other calls."""
    value = to.settled(input)
    sizes = to.call.result.dims[1:]
    if value.shape.last and len(sizes) == 3:  # channels last
        unknown = to.layer(PlaceholderOp(out_channels=sizes[2], size=sizes[:2]), value)
        return to.layer(ToLastOp(), unknown)
    return to.layer(PlaceholderOp(out_channels=sizes[0], size=sizes[1:] or None), value)


LEAVES: dict[str, Handler] = {
    "BlurPool2d": blurpool,
    "ContextPool": context_pool,
    "EvoNorm2dS0": evonorm_s0,
    "EvoNorm2dS0a": evonorm_s0,
    "GlobalResponseNorm": grn,
    "RmsNorm": rms_norm,
    "RmsNorm2d": rms_norm,
    "SimpleNorm": simple_norm,
    "SimpleNorm2d": simple_norm,
    "local_response_norm": local_response_norm,
    "placeholder": placeholder,
}
