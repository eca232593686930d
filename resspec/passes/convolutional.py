"""A network as one that reads pictures of any size: its head made convolutional (Sermanet et al. 2014, Long et al. 2015).

What pools the whole picture becomes a window of the size that it had, moved by single pixels; what was flattened for a fully
connected layer becomes a convolution over all of it. At the network's own size it is the same network; on a larger picture it
leaves the scores of every place. Weights keep their names and their numbers, in another shape.
"""

from __future__ import annotations

from dataclasses import dataclass

from resspec.diagnostics import UsageError
from resspec.ir.nodes import Network, Node, Op, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.ops.arrange import Flatten, Identity
from resspec.ir.ops.conv import Conv, Linear
from resspec.ir.ops.window import AvgPool, Pool
from resspec.ir.shape import Shape


def convolutional(network: Network) -> Network:
    """Its output is Cx1x1 for a picture of its own size. Raises UsageError where a layer has no convolutional form."""
    head = _Head(network.input)
    sections = tuple(section.changed(body=head.node(section.body)) for section in network.sections)
    return network.changed(sections=sections, output=head.shape)


@dataclass
class _Head:
    """Follows the shape along the row of layers that every path goes through; what branches or repeats is left as it is."""

    shape: Shape

    def node(self, node: Node) -> Node:
        match node:
            case Series(children=children):
                start = self.shape
                kept = tuple(self.node(child) for child in children if not _is_implied(child))
                return node.changed(children=kept, input=start, output=self.shape)
            case Scope(body=body):
                start = self.shape
                return node.changed(body=self.node(body), input=start, output=self.shape)
            case Op(layer=layer):
                start = self.shape
                layer = self._form(layer, node)
                self.shape = layer.infer(start)
                return node.changed(layer=layer, input=start, output=self.shape)
            case _:
                if node.input != self.shape:
                    raise UsageError(
                        f"{node.span} comes after a flattened layer, and has no convolutional form"
                    )
                self.shape = node.output
                return node

    def _form(self, layer: Layer, op: Op) -> Layer:
        match layer:
            case Linear():
                if len(op.input.dims) > 1:
                    raise UsageError(
                        f"{op.span} reads the last axis, and has no convolutional form"
                    )
                size = (self.shape.spatial[0], self.shape.spatial[1])
                return Conv(size, layer.out_features, padding=(0, 0), bias=layer.bias)
            case AvgPool(kernel_size=None) if layer.target == (1, 1):
                return AvgPool((self.shape.spatial[0], self.shape.spatial[1]))
            case Pool(kernel_size=None) if layer.target == self.shape.spatial:
                return Identity()  # as in VGG, where it does nothing at the network's own size
            case Pool(kernel_size=None):
                raise UsageError(f"{op.span} adapts to its image, and has no convolutional form")
            case Flatten():
                return Identity()
            case _:
                return layer


def _is_implied(node: Node) -> bool:
    return isinstance(node, Op) and node.name is None and isinstance(node.layer, Flatten)
