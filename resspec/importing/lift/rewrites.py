"""Layers that modules compute by several calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from resspec.importing.graph import INPUT, Step
from resspec.ir.ops.arrange import ToFirstOp, ToLastOp
from resspec.ir.ops.norm import LayerNorm, LayerNorm2dOp


def with_rewrites(steps: Sequence[Step], visits: Sequence[int]) -> list[Step]:
    """Return the steps, of which those that became a part of another are read by none."""
    readers = Counter(each for step in steps for each in step.inputs)
    result = list(steps)
    for index, step in enumerate(steps):
        chain = _chain(steps, index)
        if len(chain) < 3 or len({visits[each] for each in chain}) > 1:
            continue
        if readers[chain[1]] == readers[chain[2]] == 1:
            result[index] = _normalized(step, steps[chain[1]], steps[chain[2]])
    return result


def _chain(steps: Sequence[Step], last: int) -> list[int]:
    """Return `to_first`, the `ln` before it, and the `to_last` before that, if they stand so."""
    chain: list[int] = []
    for kind in (ToFirstOp, LayerNorm, ToLastOp):
        if last == INPUT or not isinstance(steps[last].does, kind):
            break
        chain.append(last)
        last = steps[last].inputs[0]
    return chain


def _normalized(step: Step, norm: Step, turned: Step) -> Step:
    """Return `ln2d` in place of the three."""
    if not isinstance(norm.does, LayerNorm) or not norm.does.elementwise_affine:
        return step
    layer = LayerNorm2dOp(eps=norm.does.eps, bias=norm.does.bias)
    return replace(step, does=layer, inputs=turned.inputs, path=norm.path, is_named=True)
