"""The obstacles in a graph: the parts of it that a spec cannot express."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resspec.importing import errors
from resspec.importing.decompose import MAX_FORKS, Crossing, Decomposed, Fork
from resspec.importing.errors import Obstacle
from resspec.importing.graph import Graph, ModulePath, around, has_tensors
from resspec.importing.modules import common
from resspec.lowering.module_attributes import MODULE_ATTRIBUTES

_WORD = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def found_in(graph: Graph, decomposed: Decomposed) -> Iterator[Obstacle]:
    """Yield everything that keeps a graph from becoming a network."""
    yield from _names(graph, decomposed.needed)
    yield from _shared(graph, decomposed.needed)
    for crossing in decomposed.crossings:
        yield _crossing(graph, crossing)
    if decomposed.too_deep is not None:
        path = graph.steps[decomposed.too_deep].path
        yield errors.too_deep(graph, path, decomposed.too_deep, MAX_FORKS)
    main = {piece.step if isinstance(piece, Fork) else piece for piece in decomposed.pieces}
    for output in decomposed.outputs:
        if output not in main:
            yield errors.off_the_chain(graph, around(graph, output), output)


def _crossing(graph: Graph, crossing: Crossing) -> Obstacle:
    steps = (crossing.step, *crossing.readers, *crossing.merges)
    path = common([around(graph, step) for step in steps]) or ()
    return errors.crossing(graph, path, crossing.step, crossing.readers, crossing.merges)


def _names(graph: Graph, needed: list[int]) -> Iterator[Obstacle]:
    """Yield an obstacle for each name of a module that is not allowed in a spec."""
    seen: set[ModulePath] = set()
    for i in needed:
        path = graph.steps[i].path if has_tensors(graph, i) else around(graph, i)
        for depth, part in enumerate(path):
            inner = path[: depth + 1]
            if inner not in seen:
                seen.add(inner)
                if not _WORD.fullmatch(part) or part in MODULE_ATTRIBUTES or part[:2] == "__":
                    yield errors.unsayable_name(graph, path[:depth], i, part)


def _shared(graph: Graph, needed: list[int]) -> Iterator[Obstacle]:
    seen: set[ModulePath] = set()
    for i in needed:
        path = graph.steps[i].path
        if has_tensors(graph, i):
            if path in seen:
                yield errors.shared(graph, path[:-1], i)
            seen.add(path)
