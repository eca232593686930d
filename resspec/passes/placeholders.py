"""The placeholders in a network: layers of which only the shape of the output is known."""

from __future__ import annotations

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Node, Op, Repeat
from resspec.ir.ops.placeholder import PlaceholderOp


def placeholders(network: Network) -> int:
    """Return how many placeholders a network has, those in repeats once for each turn."""
    known: dict[Node, int] = {}
    return sum(walk.fold(section.body, _count, known) for section in network.sections)


def placeholder_paths(network: Network) -> list[str]:
    """Return the full names of a network's placeholders."""
    if not placeholders(network):
        return []
    return [
        path
        for path, step in walk.layers(walk.whole(network))
        if isinstance(step.node, Op) and isinstance(step.node.layer, PlaceholderOp)
    ]


def _count(node: Node, parts: list[int]) -> int:
    match node:
        case Op(layer=layer):
            return int(isinstance(layer, PlaceholderOp))
        case Repeat(count=count):
            return count * parts[0]
        case _:
            return sum(parts)
