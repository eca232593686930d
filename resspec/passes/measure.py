"""What a network costs for one sample, as exact integers: a fold over the IR in which a repeat multiplies.

A layer says what it costs itself (`resspec/ir/ops`); here stands only how costs add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.layer import Tensors


class Totals(NamedTuple):
    """params and buffers in elements, `counters` the buffers among them that are whole numbers; macs of contractions, flops
    two for each; acts, the elements that convolutions and linear layers leave (fvcore's activation count); layers, the
    weighted ones on the longest path."""

    params: int = 0
    buffers: int = 0
    counters: int = 0
    macs: int = 0
    flops: int = 0
    acts: int = 0
    layers: int = 0


def measure(node: Node | Network) -> Totals:
    """The totals of a network or of a part of it, in time linear in the distinct nodes."""
    return _measure(node.body if isinstance(node, Network) else node, {})


def combine(parts: Iterable[Totals]) -> Totals:
    """The totals of parts that run one after the other."""
    return Totals(*map(sum, zip(Totals(), *parts, strict=True)))


def own_totals(node: Op | Parallel) -> Totals:
    """What a layer, or a merge, costs itself."""
    if isinstance(node, Parallel):
        return Totals()
    layer, x, y = node.layer, node.input, node.output
    macs = layer.macs(x, y)
    buffers = layer.buffers(x)
    return Totals(
        params=_elements(layer.parameters(x)),
        buffers=_elements(buffers),
        counters=sum(not dims for dims in buffers.values()),
        macs=macs,
        flops=2 * macs,
        acts=y.elements if layer.weighted else 0,
        layers=1 if layer.weighted else 0,
    )


def _measure(node: Node, known: dict[int, Totals]) -> Totals:
    """`known`: the totals of shared subtrees, by their id."""
    if (totals := known.get(id(node))) is not None:
        return totals
    match node:
        case Op():
            totals = own_totals(node)
        case Series(children=children):
            totals = combine(_measure(child, known) for child in children)
        case Parallel(paths=paths):
            parts = [_measure(path, known) for path in paths]
            totals = combine(parts)._replace(layers=_depth(node, [part.layers for part in parts]))
        case Repeat(count=count, body=body):
            totals = Totals(*(count * value for value in _measure(body, known)))
        case Scope(body=body):
            totals = _measure(body, known)
    known[id(node)] = totals
    return totals


def _elements(tensors: Tensors) -> int:
    return sum(map(prod, tensors.values()))


def _depth(node: Parallel, layers: list[int]) -> int:
    """Layers of a merge as authors count them: no shortcut, and no gate (the later paths of a `mul`)."""
    if node.residual is not None:
        return layers[node.residual]
    return layers[0] if node.merge == "mul" else max(layers)
