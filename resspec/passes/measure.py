"""What a network costs for one sample, as exact integers: a fold over the IR in which a repeat multiplies.

A layer says what it costs itself (`resspec/ir/ops`); here stands only how costs add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest
from math import prod
from typing import NamedTuple

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.layer import Tensors
from resspec.ir.shape import Name


class Totals(NamedTuple):
    """params and buffers in elements; macs of contractions, flops two for each; acts, the elements that convolutions
    and linear layers leave (fvcore's activation count); layers, the weighted ones on the longest path."""

    params: int = 0
    buffers: int = 0
    macs: int = 0
    flops: int = 0
    acts: int = 0
    layers: int = 0


class Part(NamedTuple):
    """What a part of the network has of a quantity, its repeats counted. `path`: `layer3.1..35.conv2` is the `conv2` of
    35 blocks. `span`: `file:line:column-line:column`."""

    path: str
    value: int
    span: str


def measure(node: Node | Network) -> Totals:
    """The totals of a network or of a part of it, in time linear in the distinct nodes."""
    return _measure(node.body if isinstance(node, Network) else node, {})


def combine(parts: Iterable[Totals]) -> Totals:
    """The totals of parts that run one after the other."""
    return Totals(*map(sum, zip(Totals(), *parts, strict=True)))


def largest(network: Network, quantity: str, most: int = 5) -> list[Part]:
    """The layers that have most of a quantity of `Totals`, largest first. Of `layers` itself, where every layer counts
    as one, the sections."""
    if quantity == "layers":
        parts = [Part(section.label, measure(section.body).layers, section.span) for section in network.sections]
        return nlargest(most, parts, key=lambda part: part.value)
    trails = _largest(network.body, quantity, most, {})
    return [Part(_path(trail), value, trail[-1].span) for value, trail in trails]


def _measure(node: Node, known: dict[int, Totals]) -> Totals:
    """`known`: the totals of shared subtrees, by their id."""
    if (totals := known.get(id(node))) is not None:
        return totals
    match node:
        case Op():
            totals = _cost(node)
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


def _cost(op: Op) -> Totals:
    layer, x, y = op.layer, op.input, op.output
    macs = layer.macs(x, y)
    return Totals(
        params=_elements(layer.parameters(x)),
        buffers=_elements(layer.buffers(x)),
        macs=macs,
        flops=2 * macs,
        acts=y.elements if layer.weighted else 0,
        layers=1 if layer.weighted else 0,
    )


def _elements(tensors: Tensors) -> int:
    return sum(map(prod, tensors.values()))


def _depth(node: Parallel, layers: list[int]) -> int:
    """Layers of a merge as authors count them: no shortcut, and no gate (the later paths of a `mul`)."""
    if node.residual is not None:
        return layers[node.residual]
    return layers[0] if node.merge == "mul" else max(layers)


Trail = tuple[Node, ...]  # the nodes down to a layer
Ranking = list[tuple[int, Trail]]


def _largest(node: Node, quantity: str, most: int, known: dict[int, Ranking]) -> Ranking:
    """The largest layers under a node, with the way down to them from there."""
    if (ranking := known.get(id(node))) is not None:
        return ranking
    match node:
        case Op():
            value = getattr(_cost(node), quantity)
            ranking = [(value, (node,))] if value else []
        case Series(children=parts) | Parallel(paths=parts):
            found = (entry for part in parts for entry in _largest(part, quantity, most, known))
            ranking = nlargest(most, found, key=lambda entry: entry[0])
        case Repeat(count=count, body=body):
            ranking = [(count * value, (node, *trail)) for value, trail in _largest(body, quantity, most, known)]
        case Scope(body=body):
            ranking = [(value, (node, *trail)) for value, trail in _largest(body, quantity, most, known)]
    known[id(node)] = ranking
    return ranking


def _path(trail: Trail) -> str:
    words: list[str] = []
    counts: list[int] = []  # of the repeats around, in the scope of the name
    for node in trail:
        match node:
            case Repeat(count=count):
                counts.append(count)
            case Scope(name=name) | Op(name=Name() as name):
                words.append(_numbered(name, counts))
                counts = []
    return ".".join(words)


def _numbered(name: Name, counts: list[int]) -> str:
    """A name with the range of its numbers: `conv2`, or `1..35` inside a repeat."""
    first, last = name.at(), name.at(*(count - 1 for count in counts))
    return first if first == last else f"{first}..{last.removeprefix(name.prefix)}"
