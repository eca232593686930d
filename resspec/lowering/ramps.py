"""Turns of a repeat that differ only in numbers growing evenly (stochastic depth) are one symbolic repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.ops.layer import Ramp
from resspec.lowering.draft import Draft, Inner, Loop
from resspec.source import Span


def fold_ramps(turns: list[Draft], span: Span) -> list[Draft]:
    """The longest even tail of the turns as one loop, where they are modules that keep the shape."""
    for start in range(len(turns) - 1):
        tail = turns[start:]
        modules = [
            turn
            for turn in tail
            if isinstance(turn, Inner) and turn.input == turn.output == tail[0].input
        ]
        if (
            len(modules) == len(tail)
            and (body := _fold([turn.body for turn in modules], False)) is not None
        ):
            return [*turns[:start], Loop(len(tail), replace(modules[0], body=body), span)]
        if start > 1:  # the first turn may stride; what is uneven later stays written out
            break
    return turns


def _fold(nodes: Sequence[Any], in_repeat: bool) -> Node | None:
    """One node for all turns, or None where they differ in more than evenly growing numbers."""
    first = nodes[0]
    if all(node is first for node in nodes):
        return first  # type: ignore[no-any-return]
    if any(type(node) is not type(first) for node in nodes):
        return None
    match first:
        case Op():
            same = len({(n.name, n.init, n.input, n.output) for n in nodes}) == 1
            layer = _fold_layers([n.layer for n in nodes], in_repeat) if same else None
            return first.changed(layer=layer) if layer else None
        case Series():
            return _fold_children(nodes, "children", in_repeat)
        case Parallel():
            return _fold_children(nodes, "paths", in_repeat)
        case Repeat():
            body = (
                _fold([n.body for n in nodes], True) if len({n.count for n in nodes}) == 1 else None
            )
        case Scope():
            body = (
                _fold([n.body for n in nodes], in_repeat)
                if len({n.name for n in nodes}) == 1
                else None
            )
        case _:
            return None
    return body and first.changed(body=body)


def _fold_children(nodes: Sequence[Any], field: str, in_repeat: bool) -> Node | None:
    rows = [getattr(node, field) for node in nodes]
    if len({len(row) for row in rows}) > 1:
        return None
    folded = tuple(_fold(column, in_repeat) for column in zip(*rows, strict=True))
    return nodes[0].changed(**{field: folded}) if None not in folded else None


def _fold_layers(layers: Sequence[Layer], in_repeat: bool) -> Layer | None:
    first = layers[0]
    if any(type(layer) is not type(first) for layer in layers):
        return None
    folded: dict[str, Any] = {}
    for field in fields(first):
        values = [getattr(layer, field.name) for layer in layers]
        if all(value == values[0] for value in values):
            continue
        step = (
            values[1] - values[0] if all(isinstance(value, Fraction) for value in values) else None
        )
        if in_repeat or step is None or any(b - a != step for a, b in pairwise(values)):
            return None
        folded[field.name] = Ramp(values[0], step)
    return replace(first, **folded)
