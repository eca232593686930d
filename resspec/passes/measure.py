"""The cost of a network for one sample, as exact integers: a fold over the IR in which a repeat
multiplies.

A layer says what it costs itself (`resspec/ir/ops`); here stands only how costs add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.composite import Composite, work
from resspec.ir.ops.layer import Layer, Tensors, dense
from resspec.ir.ops.norm import BatchNorm
from resspec.ir.shape import Shape


class Totals(NamedTuple):
    """The cost of a part of a network, in elements of one sample."""

    params: int = 0  # of learnable tensors
    buffers: int = 0  # of all other tensors that are stored
    counters: int = 0  # of buffers that are whole numbers
    macs: int = 0  # multiply-accumulates of contractions
    acts: int = 0  # outputs of convolutions and linear layers: fvcore's activation count
    layers: int = 0  # weighted layers on the longest path
    elementwise: int = 0  # operations on single elements in evaluation, as `Layer.elementwise`
    outputs: int = 0  # what all steps write in evaluation; a view writes nothing
    read: int = 0  # what all steps read of their inputs in evaluation
    weights: int = 0  # what all steps read of parameters and buffers, whatever the batch

    @property
    def flops(self) -> int:
        """Two for each multiply-accumulate."""
        return 2 * self.macs

    def moved_bytes(self, batch: int = 1, itemsize: int = 4) -> int:
        """Bytes that all steps read and write, each by itself, so with no use of caches and nothing
        fused.
        """
        return itemsize * (batch * (self.outputs + self.read) + self.weights)

    def times(self, count: int) -> Totals:
        return Totals(*[count * value for value in self])


Measured = dict[Node, Totals]


def measure(node: Node | Network, known: Measured | None = None) -> Totals:
    """Return the totals of a network or of a part of it, in time linear in the distinct nodes.

    Args:
        node: What to measure.
        known: What was measured before, which is filled.
    """
    known = {} if known is None else known
    if isinstance(node, Network):
        return combine([measure(section.body, known) for section in node.sections])
    return walk.fold(node, _totals, known)


def combine(parts: Iterable[Totals]) -> Totals:
    """Return the totals of parts that run one after the other."""
    return Totals(*map(sum, zip(_NOTHING, *parts, strict=True)))


def own_totals(node: Op | Parallel) -> Totals:
    """Return the cost of a layer, or of a merge, itself."""
    return (
        _of_merge(node)
        if isinstance(node, Parallel)
        else _of_layer(node.layer, node.input, node.output)
    )


_NOTHING = Totals()


def _totals(node: Node, parts: list[Totals]) -> Totals:
    match node:
        case Op(layer=layer, input=x, output=y):
            return _of_layer(layer, x, y)
        case Series():
            return combine(parts)
        case Parallel():
            layers = _depth(node, [part.layers for part in parts])
            return combine([*parts, _of_merge(node)])._replace(layers=layers)
        case Repeat(count=count):
            return parts[0].times(count)
        case Scope():
            return parts[0]


def _of_layer(layer: Layer, x: Shape, y: Shape) -> Totals:
    parameters, buffers = layer.parameters(x), layer.buffers(x)
    params = _elements(parameters)
    held = _elements(buffers)
    counters = sum([not dims for dims in buffers.values()]) if buffers else 0
    layers, acts = (1, y.elements) if layer.weighted else (0, 0)
    elementwise = written = read = weights = 0
    if isinstance(layer, Composite):
        operations = layer.operations(x)
        elementwise = layer.elementwise(x, y)
        written, read, weights = work(operations, layer.own_tensors(x), x.elements)
    elif layer.output == "new" or (layer.output == "view" and not _is_view(layer, x)):
        between = layer.intermediate(x)
        statistics = held - counters if isinstance(layer, BatchNorm) else 0
        elementwise = layer.elementwise(x, y)
        written = between + y.elements
        read = x.elements + between
        weights = params + 2 * layer.derived(x) + statistics
    macs = layer.macs(x, y)
    return Totals(
        params=params,
        buffers=held,
        counters=counters,
        macs=macs,
        acts=acts,
        layers=layers,
        elementwise=elementwise,
        outputs=written,
        read=read,
        weights=weights,
    )


def _is_view(layer: Layer, x: Shape) -> bool:
    return layer.view(x, dense(x.dims)) is not None


def _of_merge(node: Parallel) -> Totals:
    """Sums and products take two at a time, from the left."""
    sizes = [path.output.elements for path in node.paths]
    if node.merge == "concat":
        return Totals(outputs=node.output.elements, read=sum(sizes)) if len(sizes) > 1 else _NOTHING
    written = node.output.elements * (len(sizes) - 1)
    return Totals(elementwise=written, outputs=written, read=written + sum(sizes[1:]))


def _elements(tensors: Tensors) -> int:
    return sum(map(prod, tensors.values())) if tensors else 0


def _depth(node: Parallel, layers: list[int]) -> int:
    """Return layers of a merge as authors count them: no shortcut, and no gate (the later paths of
    a `mul`).
    """
    if node.residual is not None:
        return layers[node.residual]
    return layers[0] if node.merge == "mul" else max(layers)
