"""Pools, means and sums."""

from __future__ import annotations

from typing import Any

from resspec.importing.lift.arranged import Arranged, plain
from resspec.importing.lift.lifter import Handler, Lifter
from resspec.importing.lift.problems import Problem
from resspec.importing.lift.windows import fields
from resspec.ir.ops.arrange import Chunk, ToFirstOp
from resspec.ir.ops.layer import ONE, Size
from resspec.ir.ops.window import SAME, AvgPool, MaxPool


def max_pool2d(
    to: Lifter,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Arranged:
    step = stride or kernel_size
    given, value = fields(to, input, kernel_size, step, padding, dilation, border="lowest")
    MaxPool.complete(given)
    return to.layer(MaxPool(**given, ceil_mode=ceil_mode), value)


def avg_pool2d(
    to: Lifter,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Arranged:
    if divisor_override is not None:
        raise Problem("it divides by a number of its own (`divisor_override`)")
    given, value = fields(to, input, kernel_size, stride or kernel_size, padding)
    AvgPool.complete(given)
    del given["dilation"]
    counts = count_include_pad or given["padding"] == (0, 0) or given["padding"] == SAME
    layer = AvgPool(**given, ceil_mode=ceil_mode, count_include_pad=counts)
    return to.layer(layer, value)


def adaptive_avg_pool2d(to: Lifter, input: Any, output_size: Any) -> Arranged:
    return _adaptive(AvgPool, to, input)


def adaptive_max_pool2d(
    to: Lifter, input: Any, output_size: Any, return_indices: bool = False
) -> Arranged:
    return _adaptive(MaxPool, to, input)


def _adaptive(pool: type[AvgPool] | type[MaxPool], to: Lifter, input: Any) -> Arranged:
    *_, height, width = to.call.result.dims
    return to.layer(_to_size(pool, (height, width)), input)


def _to_size(pool: type[AvgPool] | type[MaxPool], target: Size) -> AvgPool | MaxPool:
    return pool() if target == ONE else pool(to=target)


def mean(to: Lifter, input: Any, dim: Any = None, keepdim: bool = False) -> Arranged:
    return _reduced(AvgPool, to, input, dim, keepdim)


def amax(to: Lifter, input: Any, dim: Any = None, keepdim: bool = False) -> Arranged:
    return _reduced(MaxPool, to, input, dim, keepdim)


def _reduced(
    pool: type[AvgPool] | type[MaxPool], to: Lifter, input: Any, dim: Any, keepdim: bool
) -> Arranged:
    """Return a mean over height, width or both."""
    value = _first(to, input)
    reduced = _axes(value, dim)
    parts = {part for axis in reduced for part in value.axes[axis]}
    goal = list(value.shape.dims)
    for axis in (2, 3):
        whole = {(axis, index) for index in range(len(value.factors[axis]))}
        if whole <= parts:
            goal[axis - 1] = 1
            parts -= whole
    if parts or goal[0] != value.shape.channels:
        raise Problem(f"`{to.call.name}` over {dim}", "a pool is over height and width")
    pooled = to.layer(_to_size(pool, (goal[1], goal[2])), plain(value.step, value.shape))
    left = value.moved(pooled.step, pooled.shape)
    return _without(left, reduced, keepdim)


def _first(to: Lifter, input: Any) -> Arranged:
    """Return a value of CxHxW. Raises Problem."""
    if isinstance(input, Arranged) and input.shape.last:
        batch, height, width, channels = input.factors
        first = to.layer(ToFirstOp(), plain(input.step, input.shape))
        axis_of = (0, 2, 3, 1)
        axes = tuple(tuple((axis_of[a], i) for a, i in axis) for axis in input.axes)
        return Arranged(first.step, first.shape, (batch, channels, height, width), axes)
    value = input if isinstance(input, Arranged) else to.settled(input)
    if not value.shape.is_image:
        raise Problem(f"`{to.call.name}` of {value.shape}", "a pool reads CxHxW")
    return value


def _axes(value: Arranged, dim: Any) -> set[int]:
    """Return the axes that are reduced, all but the batch where none are given."""
    count = len(value.axes)
    if dim is None:
        raise Problem("a mean over the batch")
    given = dim if isinstance(dim, list | tuple) else (dim,)
    return {each % count for each in given}


def _without(value: Arranged, axes: set[int], keepdim: bool) -> Arranged:
    kept = (
        () if index in axes else axis
        for index, axis in enumerate(value.axes)
        if keepdim or index not in axes
    )
    return value.with_axes(kept)


def total(to: Lifter, input: Any, dim: Any = None, keepdim: bool = False) -> Arranged:
    """Return the sum of equal parts of the channels."""
    if not isinstance(input, Arranged):
        raise Problem("a sum of a value that does not depend on the network's input")
    summed = _axes(input, dim)
    parts = [part for axis in sorted(summed) for part in input.axes[axis]]
    if parts != [(input.channel_axis, 0)]:
        raise Problem(f"`sum` over {dim}", "`add` takes the paths that it sums")
    count = input.size(parts[0])
    whole = plain(input.step, input.shape)
    chunks = [to.layer(Chunk(chunks=count, part=part), whole) for part in range(count)]
    added = to.merge("add", chunks)
    return _without(without_first(input, added), summed, keepdim)


def without_first(value: Arranged, part: Arranged) -> Arranged:
    """Return a part of a value, cut at the first factor of its channels, arranged as the value."""
    axis = value.channel_axis
    factors = list(value.factors)
    factors[axis] = factors[axis][1:]
    axes = tuple(
        tuple((a, i - 1) if a == axis else (a, i) for a, i in each if (a, i) != (axis, 0))
        for each in value.axes
    )
    return Arranged(part.step, part.shape, tuple(factors), axes)


POOLS: dict[str, Handler] = {
    "max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
    "adaptive_max_pool2d": adaptive_max_pool2d,
    "mean": mean,
    "amax": amax,
    "sum": total,
}
