"""What a picture shows of a network: boxes for layers, in rows, with branches and repeats. A fold over the five nodes.

    Box(layer)   Row(children)   Branch(merge, main, sides)   Times(turns, body)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from resspec.backends.draw.labels import ARRANGING, is_quiet, label
from resspec.backends.summary import summary
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Section, Series
from resspec.ir.shape import Name, Shape
from resspec.passes.ledger import Trail, path

Places = Mapping[tuple[int, ...], int]  # of the layers and merges of a network, by the identities of their trails


class Box(NamedTuple):
    """A layer, or so many `times` the same one. `names` of all where they are written out, else one with ranges; `entries`:
    which of the network's ledger it stands for; `sign` in a diff: `+`, `-`, `~` or nothing."""

    label: str
    kind: str
    names: tuple[str, ...]
    output: Shape
    entries: tuple[int, ...]
    times: int = 1
    quiet: bool = False
    sign: str = ""


class Row(NamedTuple):
    """One after the other; of a block, by its name."""

    children: tuple[Element, ...]
    output: Shape
    block: str | None = None


class Side(NamedTuple):
    """A path beside the main one; `changes`: whether its shape does; `says` what it holds."""

    body: Row
    changes: bool
    says: str


class Branch(NamedTuple):
    """Paths that part and `merge`: the main one straight on, the others at its side."""

    merge: str
    main: Row
    sides: tuple[Side, ...]
    output: Shape
    entries: tuple[int, ...]
    times: int = 1
    sign: str = ""


class Times(NamedTuple):
    """The same so many times in a row."""

    turns: int
    body: Row
    output: Shape


Element = Box | Row | Branch | Times


class View(NamedTuple):
    """`layers`: norms and activations too; `unfold`: repeats written out; `signs`: those of a diff, by
    the names of layers, merges and whole blocks; a layer that has one of its own is drawn, whatever the view."""

    layers: bool = False
    unfold: bool = False
    signs: Mapping[str, str] | None = None


def elements(section: Section, view: View, places: Places) -> Row:
    """What a section shows."""
    found = _Drawn(view, places).node(section.body, _Where())
    return Row(tuple(found if view.unfold else folded(found)), section.body.output)


def folded(children: Iterable[Element]) -> list[Element]:
    """Neighbouring blocks that look the same, once; also with what was written out before a repeat of the same."""
    runs: list[_Run] = []
    for child in children:
        run = _run(child)
        length = len(run.looks)
        before = runs[-1:] if runs and runs[-1].looks == run.looks else runs[-length:]
        if run.folds and tuple(seen for one in before for seen in one.looks) == run.looks:
            if len(before) == 1:
                runs[-1] = _Run(run.looks, before[0].turns + run.turns, True, [*before[0].bodies, *run.bodies])
                continue
            if all(one.turns == 1 for one in before):
                steps = tuple(step for one in before for step in one.bodies[0].children)
                runs[-length:] = [_Run(run.looks, 1 + run.turns, True, [Row(steps, steps[-1].output), *run.bodies])]
                continue
        runs.append(run)
    return [element for run in runs for element in _together(run)]


class _Run(NamedTuple):
    """What looks so, so many `turns` in a row. A layer alone never `folds`: a block of two equal ones shows both."""

    looks: tuple[object, ...]
    turns: int
    folds: bool
    bodies: list[Row]


def _run(element: Element) -> _Run:
    match element:
        case Times(turns=turns, body=body):
            return _Run(tuple(map(look, body.children)), turns, True, [body])
        case _:
            return _Run((look(element),), 1, not isinstance(element, Box), [Row((element,), element.output)])


def look(element: Element) -> object:
    """What one sees of an element: equal for two that are drawn alike."""
    match element:
        case Box():
            return element.label, element.output.spatial, element.quiet, element.sign
        case Row(children=children):
            return tuple(map(look, children))
        case Times(turns=turns, body=body):
            return turns, look(body)
        case Branch(merge=merge, main=main, sides=sides, output=output, sign=sign):
            return merge, output.spatial, sign, look(main), tuple((look(side.body), side.changes) for side in sides)


def boxes(element: Element) -> Iterator[Box]:
    """All boxes in the order of the network."""
    match element:
        case Box():
            yield element
        case Row(children=children):
            for child in children:
                yield from boxes(child)
        case Times(body=body):
            yield from boxes(body)
        case Branch(main=main, sides=sides):
            yield from boxes(main)
            for side in sides:
                yield from boxes(side.body)


class _Where(NamedTuple):
    """The scopes and repeats around, the names of the scopes, the turns of the repeats in the nearest one, how many
    layers one node here is, and the sign of the block around."""

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

    def node(self, node: Node, at: _Where, every: bool = False) -> list[Element]:
        """`every`: norms and activations too, whatever the view."""
        match node:
            case Op():
                return self._op(node, at, every)
            case Series(children=children):
                return [element for child in children for element in self.node(child, at, every)]
            case Parallel(paths=(only,)):
                return self.node(only, at, every)
            case Parallel():
                return [self._branch(node, at)]
            case Repeat():
                return self._repeat(node, at, every)
            case Scope(name=name, body=body):
                names = (*at.names, name.at(*at.turns))
                sign = at.sign or self._sign(".".join(names))
                inside = at._replace(trail=(*at.trail, node), names=names, turns=(), sign=sign)
                found = self.node(body, inside, every)
                return [Row(tuple(found), node.output, node.block)] if node.block and found else found

    def _op(self, op: Op, at: _Where, every: bool) -> list[Element]:
        quiet = is_quiet(op.layer)
        trail = (*at.trail, op)
        name = self._name(trail, op.name, at)
        sign = self._sign(name)
        if op.kind == "identity" or (quiet and not (every or self.view.layers or sign)):
            return []
        text, sign = label(op.layer, op.input), at.sign or sign
        return [Box(text, op.kind, (name,), op.output, self._entry(trail), at.times, quiet, sign)]

    def _repeat(self, repeat: Repeat, at: _Where, every: bool) -> list[Element]:
        inside = at._replace(trail=(*at.trail, repeat))
        if self.unroll:
            turns = (inside._replace(turns=(*at.turns, i)) for i in range(repeat.count))
            return [element for turn in turns for element in self.node(repeat.body, turn, every)]
        found = self.node(repeat.body, inside._replace(times=at.times * repeat.count), every)
        if not found or repeat.count == 1:
            return found
        body = Row(tuple(folded(found)), repeat.output)
        if len(body.children) == 1 and isinstance(one := body.children[0], Times):
            return [Times(repeat.count * one.turns, one.body, repeat.output)]
        return [Times(repeat.count, body, repeat.output)]

    def _branch(self, node: Parallel, at: _Where) -> Element:
        paths = [self._path(path, at) for path in node.paths]
        sizes = [sum(box.times for box in boxes(row)) for row in paths]
        main = node.residual if node.residual is not None else sizes.index(max(sizes))
        sides = [
            Side(row if not _only_arranges(row) or self.view.layers else row._replace(children=()),
                 path.output != path.input, summary(path))
            for i, (path, row) in enumerate(zip(node.paths, paths, strict=True)) if i != main
        ]
        trail = (*at.trail, node)
        sign = at.sign or self._sign(".".join((*at.names, f"({node.merge})")))
        return Branch(node.merge, paths[main], tuple(sides), node.output, self._entry(trail), at.times, sign)

    def _path(self, path: Node, at: _Where) -> Row:
        """A path that would show nothing of what it does shows its norms and activations."""
        found = self.node(path, at) or self.node(path, at, every=True)
        return Row(tuple(found if self.view.unfold else folded(found)), path.output)

    def _entry(self, trail: Trail) -> tuple[int, ...]:
        return (self.places[tuple(map(id, trail))],)

    def _name(self, trail: Trail, own: Name | None, at: _Where) -> str:
        if not self.unroll:
            return path(trail)
        return ".".join((*at.names, own.at(*at.turns)) if own else at.names)

    def _sign(self, name: str) -> str:
        return (self.view.signs or {}).get(name, "")


def _only_arranges(row: Row) -> bool:
    return all(isinstance(child, Box) and child.kind in ARRANGING for child in row.children)


def _together(run: _Run) -> tuple[Element, ...]:
    body = _row(run.bodies)
    return body.children if run.turns == 1 else (Times(run.turns, body, run.bodies[-1].output),)


def _zipped(alike: Sequence[Element]) -> Element:
    """Elements that look the same as one, which stands for all of their layers."""
    match alike[0]:
        case Box() as box:
            same = [one for one in alike if isinstance(one, Box)]
            names = tuple(name for one in same for name in one.names)
            return box._replace(names=names, entries=_entries(same), times=sum(one.times for one in same))
        case Row() as row:
            children = zip(*(one.children for one in alike if isinstance(one, Row)), strict=True)
            return row._replace(children=tuple(map(_zipped, children)))
        case Times() as times:
            return times._replace(body=_row([one.body for one in alike if isinstance(one, Times)]))
        case Branch() as branch:
            branches = [one for one in alike if isinstance(one, Branch)]
            bodies = zip(*([side.body for side in one.sides] for one in branches), strict=True)
            sides = tuple(side._replace(body=_row(body)) for side, body in zip(branch.sides, bodies, strict=True))
            return branch._replace(main=_row([one.main for one in branches]), sides=sides, entries=_entries(branches),
                                   times=sum(one.times for one in branches))


def _row(rows: Sequence[Row]) -> Row:
    row = _zipped(rows)
    assert isinstance(row, Row)
    return row


def _entries(alike: Sequence[Box | Branch]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(entry for one in alike for entry in one.entries))
