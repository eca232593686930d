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
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope
from resspec.ir.ops import Layer
from resspec.ir.ops.layer import Ramp
from resspec.ir.walk import L
from resspec.lowering.parts import Draft, repeat
from resspec.source import Span


def fold_ramps(turns: list[Draft], place: Span) -> list[Draft]:
    """Return the longest even tail of the turns as one repeat, where they are modules that keep the
    shape.
    """
    for start in range(len(turns) - 1):
        tail = turns[start:]
        if _are_modules(tail):
            body = _fold(tail, in_repeat=False)
            if body is not None:
                return [*turns[:start], repeat(len(tail), body, place)]
        if start > 1:  # the first turn may stride; what is uneven later stays written out
            break
    return turns


def _are_modules(turns: list[Draft]) -> bool:
    """Return whether all turns are modules that keep the shape, with the same names in them."""
    x = turns[0].node.input
    first = turns[0].parts
    return all(
        isinstance(turn.node, Scope)
        and turn.node.input == turn.node.output == x
        and not turn.runs
        and _same_names(first, turn.parts)
        for turn in turns
    )


def _same_names(a: tuple[Located, ...], b: tuple[Located, ...]) -> bool:
    if a == b:
        return True
    return len(a) == len(b) and all(
        x.name == y.name and _same_names(x.parts, y.parts) for x, y in zip(a, b, strict=True)
    )


def _fold(turns: Sequence[L], *, in_repeat: bool) -> L | None:
    """Return one part for all turns, or None where they differ in more than evenly growing
    numbers.
    """
    first = turns[0]
    nodes: list[Any] = [turn.node for turn in turns]
    if all(node is first.node for node in nodes):
        return first
    if len({(type(node), node.input, node.output, len(node.parts)) for node in nodes}) > 1:
        return None
    match first.node:
        case Op() as op:
            same = len({node.init for node in nodes}) == 1
            layer = _fold_layers([node.layer for node in nodes], in_repeat) if same else None
            return replace(first, node=replace(op, layer=layer)) if layer else None
        case Repeat():
            in_repeat = True
            same = len({node.count for node in nodes}) == 1
        case Parallel():
            same = len({(n.merge, n.residual, n.inplace) for n in nodes}) == 1
        case _:
            same = True
    columns = zip(*(turn.parts for turn in turns), strict=True)
    parts = [_fold(column, in_repeat=in_repeat) for column in columns] if same else [None]
    if None in parts:
        return None
    return walk.with_parts(first, tuple(part for part in parts if part is not None))


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
