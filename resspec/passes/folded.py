"""The result of a folding, and the steps that are folded, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op
from resspec.ir.ops.conv import Conv, Linear, Upconv
from resspec.ir.ops.norm import BatchNorm


class Folding(NamedTuple):
    """A folded network, and where its weights come from.

    Attributes:
        network: The folded network, which is for evaluation only.
        layers: For each layer that changed, by its name, the layers that it replaces.
        left: The names of the batch norms that remain.
    """

    network: Network
    layers: dict[str, Folded]
    left: tuple[str, ...]

    @property
    def removed(self) -> int:
        """Return the number of layers that became part of others."""
        return sum(_count(folded) - 1 for folded in self.layers.values())


class FoldedLayer(NamedTuple):
    """A layer of the network before folding, with its full name."""

    name: str
    op: Op


class FoldedSum(NamedTuple):
    """Parallel layers that became one.

    Attributes:
        op: The convolution that they became.
        paths: Each path; one without a convolution hands on its input, normalized or not.
    """

    op: Op
    paths: tuple[Folded, ...]


Folded = tuple[FoldedLayer | FoldedSum, ...]  # in a row; at most one of them is not a batch norm


def _count(folded: Folded) -> int:
    count = 0
    for part in folded:
        count += sum(map(_count, part.paths)) if isinstance(part, FoldedSum) else 1
    return count


@dataclass(slots=True, eq=False)
class FoldStep:
    """A step of a row that is being folded.

    Attributes:
        located: The step.
        scopes: The scopes around it since the nearest repeat.
        name: The full name of a layer.
        replaced: The layers that it replaces, if it is a layer that can be folded.
    """

    located: Located
    scopes: tuple[Located, ...]
    name: str = ""
    replaced: Folded = ()

    @property
    def op(self) -> Op:
        node = self.located.node
        assert isinstance(node, Op)
        return node

    def holds(self, *kinds: type) -> bool:
        """Return whether it is a layer of one of these classes."""
        node = self.located.node
        return isinstance(node, Op) and isinstance(node.layer, kinds)

    @property
    def is_norm(self) -> bool:
        """Return whether it is a batch norm that multiplies and adds in evaluation."""
        node = self.located.node
        if not isinstance(node, Op) or not isinstance(node.layer, BatchNorm):
            return False
        return node.layer.track_running_stats

    @property
    def is_conv(self) -> bool:
        """Return whether it is a convolution with the weight that it stores."""
        node = self.located.node
        return isinstance(node, Op) and type(node.layer) is Conv

    @property
    def is_contraction(self) -> bool:
        """Return whether batch norm can be folded into it."""
        return self.is_conv or self.holds(Linear, Upconv)

    @property
    def is_changed(self) -> bool:
        """Return whether it does more than the layer of its name did."""
        match self.replaced:
            case () | (FoldedLayer(),):
                return False
            case _:
                return True
