"""The modules that hold the steps of a tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from resspec.importing.decompose import Fork, Pieces
from resspec.importing.graph import Graph, ModulePath, around


@dataclass(slots=True)
class Module:
    """Neighbors in a row that belong to one module."""

    path: ModulePath
    row: Row


@dataclass(slots=True)
class Joined:
    """Paths that a merge ends, each with its modules."""

    step: int
    paths: list[Row]


Row = list[int | Joined | Module]


class Modules:
    """The rows of a graph's modules.

    Attributes:
        visits: The number of places of each module in the tree.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.visits: Counter[ModulePath] = Counter()
        self._homes: dict[int, ModulePath] = {}  # of forks, by identity

    def row(self, pieces: Pieces, path: ModulePath = ()) -> Row:
        """Return pieces of a module, those of the modules inside together."""
        found: Row = []
        depth = len(path)
        for inner, group in groupby(pieces, lambda piece: self._home(piece)[: depth + 1]):
            if len(inner) == depth:
                found += [self._piece(piece) for piece in group]
            else:
                self.visits[inner] += 1
                found.append(Module(inner, self.row(list(group), inner)))
        return found

    def _piece(self, piece: int | Fork) -> int | Joined:
        if isinstance(piece, int):
            return piece
        home = self._home(piece)
        return Joined(piece.step, [self.row(path, home) for path in piece.paths])

    def _home(self, piece: int | Fork) -> ModulePath:
        """Return the module that a piece stands in."""
        if isinstance(piece, int):
            return around(self.graph, piece)
        if (known := self._homes.get(id(piece))) is None:
            known = self._homes[id(piece)] = self._home_of_fork(piece)
        return known

    def _home_of_fork(self, fork: Fork) -> ModulePath:
        """Return the module that merges, if it holds what is merged; else the one that does.

        A layer of a DenseNet merges what the layers before it made.
        """
        own = around(self.graph, fork.step)
        inside = common([self._home(piece) for path in fork.paths for piece in path])
        if inside is None:
            return own
        if inside[: len(own)] == own and not fork.is_shortened:
            return own
        return inside


def common(paths: Iterable[ModulePath]) -> ModulePath | None:
    """Return the innermost module around all of these; None if there are none."""
    all_paths = list(paths)
    if not all_paths:
        return None
    first, last = min(all_paths), max(all_paths)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]


def last(item: int | Joined | Module) -> int:
    """Return the step whose value leaves a part."""
    match item:
        case Module(row=row):
            return last(row[-1])
        case Joined(step=step):
            return step
        case step:
            return step
