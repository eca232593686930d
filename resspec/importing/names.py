"""The names of imported steps and blocks, as the language gives them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import lru_cache

from resspec.importing.graph import Graph, ModulePath, has_tensors
from resspec.ir.shape import Name

PLAIN = {"Sequential", "ModuleList", "ModuleDict", "Module"}  # classes whose names mean nothing


class Names:
    """The names in all modules.

    What has tensors keeps its name, and so does what is numbered in a row. Any other step has the
    name that the language gives it: its kind, and a number.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._taken: defaultdict[ModulePath, set[str]] = defaultdict(set)
        self._counts: defaultdict[ModulePath, Counter[str]] = defaultdict(Counter)
        for i, step in enumerate(graph.steps):
            held = has_tensors(graph, i)
            for depth in range(len(step.path) if held else len(step.path) - step.is_named):
                self._taken[step.path[:depth]].add(step.path[depth])

    def of_step(self, step: int, path: ModulePath) -> Name:
        """Return the name of a layer in a module; each layer is named once, in order."""
        found = self._graph.steps[step]
        assert not isinstance(found.does, str)
        own = found.path[-1] if found.is_named and found.path else ""
        if has_tensors(self._graph, step):
            return Name.parse(own)
        taken = self._taken[path]
        if own.isdigit() and own not in taken:
            taken.add(own)
            return Name.parse(own)
        return self.next(found.does.kind, path)

    def next(self, kind: str, path: ModulePath) -> Name:
        """Return the next name in a module for a layer of a kind."""
        counts, taken = self._counts[path], self._taken[path]
        while True:
            counts[kind] += 1
            name = f"{kind}{counts[kind]}"
            if name not in taken:
                return Name.parse(name)


@lru_cache(1 << 10)
def block(name: str | None) -> str | None:
    """Return the name of the block of a class: `inverted_residual` of `InvertedResidual`; None for
    a class whose name means nothing.

    Examples:
        >>> block("SEBottleneck"), block("ConvBN2d"), block("Sequential")
        ('se_bottleneck', 'conv_bn2d', None)
    """
    if name is None or name in PLAIN:
        return None
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    parted = re.sub(r"[^A-Za-z0-9]+", "_", parted).strip("_").lower()
    return parted or None
