"""From the IR to what a picture shows of it: a fold over the five nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from resspec.backends.draw.elements import (
    Box,
    BoxRow,
    Branch,
    Element,
    OutputMark,
    Repeated,
    SidePath,
    boxes,
)
from resspec.backends.draw.folding import folded
from resspec.backends.draw.labels import ARRANGING, is_quiet, label
from resspec.backends.summary import summary
from resspec.ir.network import Section
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope
from resspec.ir.outputs import Output
from resspec.passes.ledger import Trail, path

Places = Mapping[Trail, int]  # of the layers and merges of a network, by their trails


class View(NamedTuple):
    """The choice of what is drawn of a network.

    Attributes:
        layers: Norms and activations too.
        unfold: Repeats written out.
        signs: Those of a diff, by names of layers, merges and blocks; a layer that has one of
            its own is always drawn.
    """

    layers: bool = False
    unfold: bool = False
    signs: Mapping[str, str] | None = None


def elements(section: Section, view: View, places: Places) -> BoxRow:
    """Return the elements of a section."""
    found = _Drawn(view, places).node(section.located, _Where(quiet=view.layers))
    return BoxRow(tuple(found if view.unfold else folded(found)), section.body.output)


class _Where(NamedTuple):
    """The surroundings of a node.

    Attributes:
        trail: The scopes and repeats around.
        names: Of the scopes.
        turns: Of the repeats in the nearest scope.
        times: How many layers one node represents.
        sign: Of the block around.
        quiet: Whether norms and activations are drawn too.
    """

    trail: Trail = ()
    names: tuple[str, ...] = ()
    turns: tuple[int, ...] = ()
    times: int = 1
    sign: str = ""
    quiet: bool = False

    def inside(self, located: Located) -> _Where:
        return self._replace(trail=(*self.trail, located))


class _Drawn:
    def __init__(self, view: View, places: Places) -> None:
        self.view = view
        self.places = places
        self.signs = view.signs or {}
        self.unroll = view.unfold or view.signs is not None

    def node(self, located: Located, at: _Where) -> list[Element]:
        """Return what a part shows."""
        match located.node:
            case Op(layer=Output(name=name), output=output):
                return [OutputMark(name, output)]
            case Op():
                return self._op(located, at.inside(located))
            case Parallel(paths=(_, _, *_)):
                return [self._branch(located, at)]
            case Repeat():
                return self._repeat(located, at)
            case Scope():
                return self._scope(located, at)
            case _:
                return [element for part in located.parts for element in self.node(part, at)]

    def _scope(self, scope: Located, at: _Where) -> list[Element]:
        assert scope.name is not None
        names = (*at.names, scope.name.at(*at.turns))
        sign = at.sign or self._sign(names)
        inside = at.inside(scope)._replace(names=names, turns=(), sign=sign)
        found = self.node(scope.body, inside)
        if scope.block and found:
            return [BoxRow(tuple(found), scope.node.output, scope.block)]
        return found

    def _op(self, located: Located, at: _Where) -> list[Element]:
        op = located.node
        assert isinstance(op, Op)
        own = [located.name.at(*at.turns)] if located.name else []
        name = ".".join([*at.names, *own]) if self.unroll else path(at.trail)
        sign = self.signs.get(name, "")
        quiet = is_quiet(op.layer)
        if op.kind == "identity" or (quiet and not (at.quiet or sign)):
            return []
        text, entries = label(op.layer, op.input), (self.places[at.trail],)
        return [Box(text, op.kind, (name,), op.output, entries, at.times, quiet, at.sign or sign)]

    def _repeat(self, located: Located, at: _Where) -> list[Element]:
        repeat, inside = located.node, at.inside(located)
        assert isinstance(repeat, Repeat)
        if self.unroll:
            places = (inside._replace(turns=(*at.turns, i)) for i in range(repeat.count))
            return [element for place in places for element in self.node(located.body, place)]
        found = self.node(located.body, inside._replace(times=at.times * repeat.count))
        if not found or repeat.count == 1:
            return found
        body = BoxRow(tuple(folded(found)), repeat.output)
        match body.children:
            case (Repeated(turns=turns, body=body),):
                return [Repeated(repeat.count * turns, body, repeat.output)]
            case _:
                return [Repeated(repeat.count, body, repeat.output)]

    def _branch(self, located: Located, at: _Where) -> Branch:
        node = located.node
        assert isinstance(node, Parallel)
        rows = [self._path(path, at) for path in located.parts]
        main = node.residual
        if main is None:
            sizes = [sum(box.times for box in boxes(row)) for row in rows]
            main = sizes.index(max(sizes))
        sides = [
            self._side(path, row, node.merge)
            for i, (path, row) in enumerate(zip(located.parts, rows, strict=True))
            if i != main
        ]
        entries = (self.places[at.inside(located).trail],)
        sign = at.sign or self._sign((*at.names, f"({node.merge})"))
        return Branch(node.merge, rows[main], tuple(sides), node.output, entries, at.times, sign)

    def _path(self, path: Located, at: _Where) -> BoxRow:
        """Return a path; one that would be empty shows its norms and activations."""
        found = self.node(path, at) or self.node(path, at._replace(quiet=True))
        return BoxRow(tuple(found if self.view.unfold else folded(found)), path.node.output)

    def _side(self, path: Located, row: BoxRow, merge: str) -> SidePath:
        """Return a shortcut or another path; one that only arranges channels is drawn as an arc."""
        arranges = all(isinstance(child, Box) and child.kind in ARRANGING for child in row.children)
        if arranges and not self.view.layers:
            row = row._replace(children=())
        changes = merge == "add" and path.node.output != path.node.input
        return SidePath(row, changes, summary(path))

    def _sign(self, names: tuple[str, ...]) -> str:
        return self.signs.get(".".join(names), "")
