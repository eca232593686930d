"""Turns of a repeat that differ only in numbers growing evenly (stochastic depth) are one symbolic
repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from resspec.ir import walk
from resspec.ir.nodes import Location, Node, Op, Parallel, Repeat, Scope
from resspec.ir.ops import Layer
from resspec.ir.ops.layer import Ramp
from resspec.lowering.parts import Part, Written, repeat
from resspec.source import Span


def fold_ramps(turns: list[Part], span: Span) -> list[Part]:
    """Return the longest even tail of the turns as one repeat, where they are modules that keep the
    shape.
    """
    for start in range(len(turns) - 1):
        tail = turns[start:]
        if _are_modules(tail):
            node = _fold([turn.node for turn in tail], in_repeat=False)
            if node is not None:
                return [*turns[:start], repeat(len(tail), Part(node, tail[0].written), span)]
        if start > 1:  # the first turn may stride; what is uneven later stays written out
            break
    return turns


def _are_modules(turns: list[Part]) -> bool:
    """Return whether all turns are modules that keep the shape, with the same names in them."""
    x = turns[0].node.input
    first = turns[0].written.parts
    return all(
        isinstance(turn.node, Scope)
        and turn.node.input == turn.node.output == x
        and not turn.written.runs
        and _same_names(first, turn.written.parts)
        for turn in turns
    )


def _same_names(a: tuple[Written | Location, ...], b: tuple[Written | Location, ...]) -> bool:
    if a == b:
        return True
    return len(a) == len(b) and all(
        isinstance(x, Location)
        and isinstance(y, Location)
        and x.name == y.name
        and _same_names(x.parts, y.parts)
        for x, y in zip(a, b, strict=True)
    )


def _fold(nodes: Sequence[Any], *, in_repeat: bool) -> Node | None:
    """Return one node for all turns, or None where they differ in more than evenly growing
    numbers.
    """
    first: Node = nodes[0]
    if all(node is first for node in nodes):
        return first
    if len({(type(node), node.input, node.output, len(node.parts)) for node in nodes}) > 1:
        return None
    match first:
        case Op():
            same = len({node.init for node in nodes}) == 1
            layer = _fold_layers([node.layer for node in nodes], in_repeat) if same else None
            return replace(first, layer=layer) if layer else None
        case Repeat():
            in_repeat = True
            same = len({node.count for node in nodes}) == 1
        case Parallel():
            same = len({(n.merge, n.residual, n.inplace) for n in nodes}) == 1
        case _:
            same = True
    columns = zip(*(node.parts for node in nodes), strict=True)
    parts = [_fold(column, in_repeat=in_repeat) for column in columns] if same else [None]
    if None in parts:
        return None
    return walk.with_nodes(first, tuple(part for part in parts if part is not None))


def _fold_layers(layers: Sequence[Layer], in_repeat: bool) -> Layer | None:
    first = layers[0]
    if any(type(layer) is not type(first) for layer in layers):
        return None
    folded: dict[str, Any] = {}
    for field in fields(first):
        values = [getattr(layer, field.name) for layer in layers]
        if all(value == values[0] for value in values):
            continue
        if in_repeat or not all(isinstance(value, Fraction) for value in values):
            return None
        step = values[1] - values[0]
        if any(b - a != step for a, b in pairwise(values)):
            return None
        folded[field.name] = Ramp(values[0], step)
    return replace(first, **folded)
