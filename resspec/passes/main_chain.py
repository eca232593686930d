"""The main chain of a network: its layers, merges and blocks, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Scope
from resspec.ir.outputs import marked


class ChainPart(NamedTuple):
    """A part of the main chain.

    Attributes:
        name: Its full name.
        located: The layer, merge or block.
        turn: Of the nearest repeat around it.
        is_block: Whether it is a module that was declared as a block, and runs in one piece.
    """

    name: str
    located: Located
    turn: int | None
    is_block: bool


def chain_parts(network: Network) -> list[ChainPart]:
    """Return the parts of the main chain, repeats and mere containers written out."""
    sections = marked(network).sections
    parts = [part for section in sections for part in _opened(section.located, "", None)]
    counts = Counter(part.name for part in parts)
    return [
        part._replace(is_block=part.is_block and counts[part.name] == 1) for part in parts
    ]  # a module that is entered twice is a container


def _opened(located: Located, path: str, turn: int | None) -> Iterator[ChainPart]:
    for step in walk.unrolled(located, (), turn):
        name, is_scope = f"{path}{step.name}", isinstance(step.node, Scope)
        if is_scope and step.located.block is None:
            yield from _opened(step.located.body, f"{name}.", step.turn)
        else:
            yield ChainPart(name, step.located, step.turn, is_scope)
