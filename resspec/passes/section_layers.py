"""The section and the layer of it that each tensor of a network belongs to.

A stage has a layer for each of its blocks; a stem or a head is one layer. These are the layers by
which learning rates decay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Parallel, Scope


class Owner(NamedTuple):
    """The section of a tensor by its label, and the number of its layer in the network."""

    section: str
    layer: int


class Owners:
    """The owners of all modules and tensors of a network.

    Attributes:
        layers: The number of layers.
        sections: The labels of the sections, in their order.
    """

    def __init__(self, network: Network) -> None:
        self.sections = tuple(section.label for section in network.sections)
        self.layers = 0
        self._found: dict[str, Owner] = {}
        for section in network.sections:
            for names in _layers(section):
                for name in names:
                    self._found[name] = Owner(section.label, self.layers)
                self.layers += 1

    def of(self, name: str) -> Owner:
        """Return the owner of a tensor or module by its full name, such as `layer1.0.conv1.weight`.

        Raises KeyError if no layer of the network has it.
        """
        part = name
        while part not in self._found:
            part, dot, _ = part.rpartition(".")
            if not dot:
                raise KeyError(name)
        return self._found[part]


def _layers(section: Section) -> Iterator[list[str]]:
    """Yield the names of the modules of each layer of a section."""
    path, steps = _opened(section)
    names: list[str] = []
    for step in steps:
        is_block = section.kind == "stage" and isinstance(step.node, Scope)
        if is_block and names:
            yield names
            names = []
        names += _names(step, path)
    if names:
        yield names


def _opened(section: Section) -> tuple[str, list[walk.Step]]:
    """Return the steps of a section, those inside where one module holds all of a stage."""
    path, steps = "", [*walk.unrolled(section.located)]
    while section.kind == "stage" and len(steps) == 1 and isinstance(steps[0].node, Scope):
        inner = [*steps[0].contents]
        if not any(isinstance(step.node, Scope) for step in inner):
            break
        path, steps = f"{path}{steps[0].name}.", inner
    return path, steps


def _names(step: walk.Step, path: str) -> Iterator[str]:
    match step.node:
        case Scope():
            yield from _all(step.located.body, f"{path}{step.name}.", (), step.turn)
        case Parallel():
            for branch in step.located.parts:
                yield from _all(branch, path, step.turns, step.turn)
        case _ if step.name is not None:
            yield f"{path}{step.name}"


def _all(located: Located, path: str, turns: tuple[int, ...], turn: int | None) -> Iterator[str]:
    return (name for name, _ in walk.layers(located, path, turns, turn))
