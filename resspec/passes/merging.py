"""Paths of a sum that are one convolution each, merged into the largest of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from resspec.ir.nodes import Op
from resspec.ir.ops.arrange import Identity
from resspec.ir.ops.conv import Conv
from resspec.ir.ops.layer import ONE, Padding
from resspec.ir.ops.window import SAME
from resspec.passes.folded import Folded, FoldedSum, FoldStep

Path = list[FoldStep]


def merged(paths: list[Path], residual: int | None) -> tuple[list[Path], int | None]:
    """Return the paths of a sum with those that are one convolution merged, and the residual among
    them.

    A convolution takes in another one, or an identity, that reads the same inputs or fewer of them,
    so that the result has the cost of one that was there.
    """
    candidates = [i for i, path in enumerate(paths) if _conv(path)]
    found = {i: [j for j, path in enumerate(paths) if _fits(path, paths[i])] for i in candidates}
    target = max(found, key=lambda i: len(found[i]), default=None)
    if target is None or len(found[target]) < 2:
        return paths, residual

    members = found[target]
    conv = _conv(paths[target])
    assert conv is not None
    result = _sum(conv, [_replaced(paths[i]) for i in members])
    kept = [i for i in range(len(paths)) if i == target or i not in members]
    new = [[result] if i == target else paths[i] for i in kept]
    if residual is None:
        return new, None
    return new, kept.index(target if residual in members else residual)


def _steps(path: Path) -> Path:
    return [step for step in path if not step.holds(Identity)]


def _conv(path: Path) -> FoldStep | None:
    """Return the convolution that a path consists of, if it does."""
    match _steps(path):
        case [step] if step.is_conv and _padding(step) != SAME:
            return step
        case _:
            return None


def _padding(step: FoldStep) -> Padding:
    layer = step.op.layer
    assert isinstance(layer, Conv)
    return layer.padding


def _replaced(path: Path) -> Folded:
    return tuple(part for step in _steps(path) for part in step.replaced)


def _fits(path: Path, target: Path) -> bool:
    """Return whether a convolution can also do what another path does."""
    goal, own = _conv(target), _conv(path)
    assert goal is not None
    if path is target:
        return True
    into = goal.op.layer
    assert isinstance(into, Conv)
    if own is None:
        only_norms = all(step.is_norm for step in _steps(path))
        return only_norms and into.stride == ONE and _taps_fit(Conv(ONE, into.out_channels), into)
    layer = own.op.layer
    assert isinstance(layer, Conv)
    same_outputs = layer.stride == into.stride and layer.groups % into.groups == 0
    return same_outputs and _taps_fit(layer, into)


def _taps_fit(layer: Conv, into: Conv) -> bool:
    return all(tap_indices(layer, into, axis) is not None for axis in (0, 1))


def tap_indices(layer: Conv, into: Conv, axis: int) -> list[int] | None:
    """Return for each tap of a kernel along an axis the tap of another that reads the same pixel;
    None where one has no such tap.
    """
    taps, others = _taps(layer, axis), _taps(into, axis)
    if not set(taps) <= set(others):
        return None
    return [others.index(tap) for tap in taps]


def _taps(layer: Conv, axis: int) -> list[int]:
    """Return the pixels that a kernel reads, counted from the window's step."""
    assert layer.padding != SAME
    padding, dilation = layer.padding[axis], layer.dilation[axis]
    return [i * dilation - padding for i in range(layer.kernel_size[axis])]


def _sum(target: FoldStep, paths: Sequence[Folded]) -> FoldStep:
    op = target.op
    layer = op.layer
    assert isinstance(layer, Conv)
    merged_op = Op(op.input, op.output, replace(layer, bias=True), op.init)
    located = replace(target.located, node=merged_op)
    replaced = (FoldedSum(merged_op, tuple(paths)),)
    return FoldStep(located, target.scopes, target.name, replaced)
