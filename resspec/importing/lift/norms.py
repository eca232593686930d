"""Normalization."""

from __future__ import annotations

from math import prod
from typing import Any

from resspec.importing.lift.arranged import Arranged
from resspec.importing.lift.lifter import Handler, Lifter
from resspec.importing.lift.numbers import exact
from resspec.importing.lift.problems import Problem
from resspec.importing.lift.weights import Standardized, Viewed
from resspec.ir.ops.norm import BatchNorm, GroupNorm, LayerNorm


def batch_norm(
    to: Lifter,
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
) -> Arranged | Standardized:
    if isinstance(input, Viewed):
        return _standardized(input, weight, eps)
    if momentum is None:
        raise Problem("it averages all batches (`momentum=None`)", "`bn momentum=0.1` is a factor")
    layer = BatchNorm(
        eps=exact(eps),
        momentum=exact(momentum),
        affine=weight is not None,
        track_running_stats=running_mean is not None,
    )
    tensors = {
        "weight": weight,
        "bias": bias,
        "running_mean": running_mean,
        "running_var": running_var,
    }
    return to.weighted(layer, input, tensors)


def _standardized(viewed: Viewed, gain: Any, eps: float) -> Standardized:
    """Return the weight of a convolution, normalized for each output channel."""
    weight = viewed.weight
    rows = (1, weight.dims[0], prod(weight.dims[1:]))
    if viewed.dims != rows or viewed.factor != 1:
        raise Problem("it normalizes a parameter", "`std_conv` normalizes each output channel's")
    if gain is not None and not isinstance(gain, Viewed):
        raise Problem("it normalizes a parameter with another one")
    return Standardized(weight, eps, gain)


def group_norm(
    to: Lifter,
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Arranged:
    layer = GroupNorm(
        num_groups=num_groups,
        eps=exact(eps),
        affine=weight is not None,
        bias=weight is None or bias is not None,
    )
    return to.weighted(layer, input, {"weight": weight, "bias": bias})


def layer_norm(
    to: Lifter,
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Arranged:
    if len(normalized_shape) != 1:
        raise Problem("it normalizes several axes", "`gn 1` normalizes all of them")
    layer = LayerNorm(
        eps=exact(eps),
        elementwise_affine=weight is not None,
        bias=weight is None or bias is not None,
    )
    return to.weighted(layer, input, {"weight": weight, "bias": bias})


NORMS: dict[str, Handler] = {
    "batch_norm": batch_norm,
    "group_norm": group_norm,
    "layer_norm": layer_norm,
}
