"""A network as one that reads pictures of any size: its head made convolutional (Sermanet et al.
2014, Long et al. 2015).

What pools the whole picture becomes a window of the size that it had, moved by single pixels; what
was flattened for a fully connected layer becomes a convolution over all of it. At the network's own
size it is the same network; on a larger picture it leaves the scores of every place. Weights keep
their names and their numbers, in another shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from resspec.diagnostics import UsageError
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.ops.arrange import Flatten, Identity
from resspec.ir.ops.conv import Conv, Linear
from resspec.ir.ops.window import AvgPool, Pool
from resspec.ir.shape import Shape


def convolutional(network: Network) -> Network:
    """Return the network with an output of Cx1x1 for a picture of its own size.

    Raises:
        UsageError: A layer has no convolutional form.
    """
    head = _Head(network.input)
    sections = tuple(
        replace(section, located=head.node(section.located)) for section in network.sections
    )
    return replace(network, sections=sections, output=head.shape)


@dataclass
class _Head:
    """Follows the shape along the row of layers that every path goes through; what branches or
    repeats is left as it is.
    """

    shape: Shape

    def node(self, located: Located) -> Located:
        node, start = located.node, self.shape
        match node:
            case Series() | Scope():
                located = walk.with_parts(located, tuple(map(self.node, located.parts)))
                return replace(located, node=replace(located.node, input=start, output=self.shape))
            case Op():
                layer = self._form(node, located.span)
                self.shape = layer.infer(start)
                return replace(located, node=Op(start, self.shape, layer, node.init))
            case _:
                if node.input != self.shape:
                    raise UsageError(
                        f"{located.span} comes after a flattened layer, and has no "
                        "convolutional form"
                    )
                self.shape = node.output
                return located

    def _form(self, op: Op, span: str) -> Layer:
        """Return what a layer becomes. Raises UsageError."""
        match layer := op.layer:
            case Linear():
                if len(op.input.dims) > 1:
                    raise UsageError(f"{span} reads the last axis, and has no convolutional form")
                size = (self.shape.spatial[0], self.shape.spatial[1])
                return Conv(size, layer.out_features, padding=(0, 0), bias=layer.bias)
            case AvgPool(kernel_size=None) if layer.target == (1, 1):
                return AvgPool((self.shape.spatial[0], self.shape.spatial[1]))
            case Pool(kernel_size=None) if layer.target == self.shape.spatial:
                return Identity()  # as in VGG, where it does nothing at the network's own size
            case Pool(kernel_size=None):
                raise UsageError(f"{span} adapts to its image, and has no convolutional form")
            case Flatten():
                return Identity()
            case _:
                return layer
