"""Sums that leave the last channels as they are, as ReXNet has them:
`concat { add { slice 0, 16 | shortcut } | slice 16, 27 }` is `add { identity | shortcut padded }`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from resspec.importing.graph import INPUT, Graph, Step, entering
from resspec.ir.ops.arrange import PadChannelsOp, SliceOp


class _Sum(NamedTuple):
    """The value of which some channels are added to, the step that adds, and what it adds."""

    value: int
    step: int
    shortcut: int


def with_padded_sums(graph: Graph) -> Graph:
    """Return the graph with zeros in place of the channels that are not added to."""
    readers = Counter(i for step in graph.steps for i in step.inputs)
    readers.update(i for _, i in graph.outputs)
    steps = list(graph.steps)
    for i, step in enumerate(graph.steps):
        if step.does == "concat" and (found := _sum(graph, step, readers)):
            pad = PadChannelsOp(step.output.channels)
            steps[found.step] = replace(
                steps[found.step], does=pad, inputs=(found.shortcut,), output=step.output
            )
            steps[i] = replace(step, does="add", inputs=(found.value, found.step))
    return replace(graph, steps=tuple(steps))


def _sum(graph: Graph, concat: Step, readers: Counter[int]) -> _Sum | None:
    """Return the sum of a value's first channels that a concat puts before the others."""
    match concat.inputs:
        case [added, rest] if readers[added] == 1 and min(concat.inputs) >= 0:
            sum_, others = graph.steps[added], graph.steps[rest]
        case _:
            return None
    if sum_.does != "add" or len(sum_.inputs) != 2 or not isinstance(others.does, SliceOp):
        return None
    value, kept = others.inputs[0], others.does.start
    width = concat.output.channels
    is_rest = others.output.channels == width - kept and entering(graph, rest) == concat.output
    if not is_rest or not concat.output.is_image:
        return None
    for first, shortcut in (sum_.inputs, sum_.inputs[::-1]):
        begin = graph.steps[first] if first != INPUT else None
        match begin:
            case Step(does=SliceOp(start=0), inputs=(read,), output=output):
                if read == value and output.channels == kept:
                    return _Sum(value, added, shortcut)
    return None
