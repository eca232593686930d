"""From the IR to what a picture shows of it: a fold over the five nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from resspec.backends.draw.elements import Box, BoxRow, Branch, Element, Repeated, SidePath, boxes
from resspec.backends.draw.folding import folded
from resspec.backends.draw.labels import ARRANGING, is_quiet, label
from resspec.backends.summary import summary
from resspec.ir.network import Section
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope
from resspec.ir.shape import Name
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
    found = _Drawn(view, places).node(section.located, _Where())
    return BoxRow(tuple(found if view.unfold else folded(found)), section.body.output)


class _Where(NamedTuple):
    """The surroundings of a node.

    It holds the scopes and repeats, the turns of the repeats in the nearest scope, how many layers
    one node represents, and the sign of the block around.
    """

    trail: Trail = ()
    names: tuple[str, ...] = ()
    turns: tuple[int, ...] = ()
    times: int = 1
    sign: str = ""


class _Drawn:
    def __init__(self, view: View, places: Places) -> None:
        self.view = view
        self.places = places
        self.unroll = view.unfold or view.signs is not None

    def node(self, located: Located, at: _Where, every: bool = False) -> list[Element]:
        """Return what a part shows; `every`: norms and activations too, whatever the view."""
        match located.node:
            case Op() as op:
                return self._op(located, op, at, every)
            case Parallel(paths=(_, _, *_)) as node:
                return [self._branch(located, node, at)]
            case Repeat() as node:
                return self._repeat(located, node, at, every)
            case Scope():
                return self._scope(located, at, every)
            case _:
                return [each for part in located.parts for each in self.node(part, at, every)]

    def _scope(self, scope: Located, at: _Where, every: bool) -> list[Element]:
        assert scope.name is not None
        names = (*at.names, scope.name.at(*at.turns))
        sign = at.sign or self._sign(".".join(names))
        inside = at._replace(trail=(*at.trail, scope), names=names, turns=(), sign=sign)
        found = self.node(scope.body, inside, every)
        if not (scope.block and found):
            return found
        return [BoxRow(tuple(found), scope.node.output, scope.block)]

    def _op(self, located: Located, op: Op, at: _Where, every: bool) -> list[Element]:
        quiet = is_quiet(op.layer)
        trail = (*at.trail, located)
        name = self._name(trail, located.name, at)
        sign = self._sign(name)
        if op.kind == "identity" or (quiet and not (every or self.view.layers or sign)):
            return []
        text, sign = label(op.layer, op.input), at.sign or sign
        return [Box(text, op.kind, (name,), op.output, self._entry(trail), at.times, quiet, sign)]

    def _repeat(self, located: Located, repeat: Repeat, at: _Where, every: bool) -> list[Element]:
        inside = at._replace(trail=(*at.trail, located))
        if self.unroll:
            turns = (inside._replace(turns=(*at.turns, i)) for i in range(repeat.count))
            return [element for turn in turns for element in self.node(located.body, turn, every)]
        found = self.node(located.body, inside._replace(times=at.times * repeat.count), every)
        if not found or repeat.count == 1:
            return found
        body = BoxRow(tuple(folded(found)), repeat.output)
        if len(body.children) == 1 and isinstance(one := body.children[0], Repeated):
            return [Repeated(repeat.count * one.turns, one.body, repeat.output)]
        return [Repeated(repeat.count, body, repeat.output)]

    def _branch(self, located: Located, node: Parallel, at: _Where) -> Element:
        paths = [self._path(path, at) for path in located.parts]
        sizes = [sum(box.times for box in boxes(row)) for row in paths]
        main = node.residual if node.residual is not None else sizes.index(max(sizes))
        sides = [
            SidePath(
                row if not _only_arranges(row) or self.view.layers else row._replace(children=()),
                node.merge == "add" and path.node.output != path.node.input,
                summary(path),
            )
            for i, (path, row) in enumerate(zip(located.parts, paths, strict=True))
            if i != main
        ]
        trail = (*at.trail, located)
        sign = at.sign or self._sign(".".join((*at.names, f"({node.merge})")))
        return Branch(
            node.merge, paths[main], tuple(sides), node.output, self._entry(trail), at.times, sign
        )

    def _path(self, path: Located, at: _Where) -> BoxRow:
        """Return a path that would show nothing of what it does shows its norms and activations."""
        found = self.node(path, at) or self.node(path, at, every=True)
        return BoxRow(tuple(found if self.view.unfold else folded(found)), path.node.output)

    def _entry(self, trail: Trail) -> tuple[int, ...]:
        return (self.places[trail],)

    def _name(self, trail: Trail, own: Name | None, at: _Where) -> str:
        if not self.unroll:
            return path(trail)
        return ".".join((*at.names, own.at(*at.turns)) if own else at.names)

    def _sign(self, name: str) -> str:
        return (self.view.signs or {}).get(name, "")


def _only_arranges(row: BoxRow) -> bool:
    return all(isinstance(child, Box) and child.kind in ARRANGING for child in row.children)
