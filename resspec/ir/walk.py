"""Walks over the tree: folds, rows in their normal form, and repeats written out.

The normal form: no row stands directly in a row, and neighbors in a row that share a scope's name
are one scope. The lowering ends in it, and whatever comes after relies on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from resspec.ir.network import Network
from resspec.ir.nodes import Located, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.shape import Name, Shape

T = TypeVar("T")
L = TypeVar("L", bound=Located)


# --- folds ---


def fold(node: Node, combine: Callable[[Node, list[T]], T], known: dict[Node, T]) -> T:
    """Return what `combine` makes of a node and of what it made of the node's parts, each node
    once.

    Args:
        node: Where to begin.
        combine: Takes a node and the results of its parts, in their order.
        known: The results so far, which are filled.
    """
    if (found := known.get(node)) is not None:
        return found
    results = []
    for part in node.parts:
        result = known.get(part)  # most calls are saved here
        results.append(fold(part, combine, known) if result is None else result)
    found = known[node] = combine(node, results)
    return found


def varies(node: Node, known: MutableMapping[Node, bool], *, inside_repeats: bool = False) -> bool:
    """Return whether a layer in it depends on the turn of the nearest repeat around the node.

    Args:
        node: A part of a network.
        known: The results so far, which are filled.
        inside_repeats: Whether repeats in it count, around which the node's own repeat is not the
            nearest.
    """
    if (found := known.get(node)) is not None:
        return found
    match node:
        case Op(layer=layer):
            found = layer.varies
        case Repeat() if not inside_repeats:
            found = False
        case _:
            found = any(varies(part, known, inside_repeats=inside_repeats) for part in node.parts)
    known[node] = found
    return found


def distinct(located: Located, seen: set[Located] | None = None) -> Iterator[Located]:
    """Yield every part of a network, and it itself, once."""
    seen = set() if seen is None else seen
    waiting = [located]
    while waiting:
        part = waiting.pop()
        if part not in seen:
            seen.add(part)
            yield part
            waiting += reversed(part.parts)


def with_parts(located: L, parts: tuple[Located, ...]) -> L:
    """Return a node at its place with others in place of its parts."""
    if parts == located.parts:
        return located
    node = with_nodes(located.node, nodes_of(parts))
    return replace(located, node=node, parts=parts)


def nodes_of(parts: Iterable[Located]) -> tuple[Node, ...]:
    """Return the nodes without their places."""
    return tuple([part.node for part in parts])


def with_nodes(node: Node, parts: tuple[Node, ...]) -> Node:
    """Return a node with others in place of its parts."""
    if parts == node.parts:
        return node
    match node:
        case Op():
            return node
        case Series(input=x, output=y):
            return Series(x, y, parts)
        case Parallel():
            return replace(node, paths=parts)
        case Repeat(input=x, output=y, count=count):
            return Repeat(x, y, count, *parts)
        case Scope(input=x, output=y):
            return Scope(x, y, *parts)


# --- the normal form ---


def series(parts: Iterable[Located], x: Shape, span: str) -> Located:
    """Return parts in a row; a single one is itself."""
    row = list(parts)
    if any(isinstance(part.node, (Series, Scope)) for part in row):
        row = flat(row)
    if len(row) == 1:
        return row[0]
    output = row[-1].node.output if row else x
    return Located(Series(x, output, nodes_of(row)), span, tuple(row))


def flat(parts: Iterable[Located]) -> list[Located]:
    """Return a row without rows in it, neighbors of one scope joined."""
    return joined((step for part in parts for step in _opened(part)), _scope, together)


def joined(steps: Iterable[T], key: Callable[[T], Any], together: Callable[[T, T], T]) -> list[T]:
    """Return steps in a row, neighbors of one key as one; a key of None is no step's neighbor."""
    row: list[T] = []
    last = None
    for step in steps:
        own = key(step)
        if own is not None and own == last:
            row[-1] = together(row[-1], step)
        else:
            row.append(step)
        last = own
    return row


def normal(network: Network) -> Network:
    """Return a network whose tree has the normal form."""
    known: dict[Located, Located] = {}
    sections = tuple(
        replace(section, located=_normal(section.located, known)) for section in network.sections
    )
    return replace(network, sections=sections)


def whole(network: Network) -> Located:
    """Return all sections in a row, in the normal form."""
    return series([section.located for section in network.sections], network.input, network.span)


def _opened(located: Located) -> Iterator[Located]:
    if isinstance(located.node, Series):
        for part in located.parts:
            yield from _opened(part)
    else:
        yield located


def _scope(located: Located) -> Name | None:
    return located.name if isinstance(located.node, Scope) else None


def together(first: Located, second: Located) -> Located:
    """Return two neighbors of one scope as one."""
    body = series([first.body, second.body], first.node.input, first.body.span)
    scope = Scope(first.node.input, second.node.output, body.node)
    return replace(first, node=scope, parts=(body,))


def _normal(located: Located, known: dict[Located, Located]) -> Located:
    if located not in known:
        parts = tuple(_normal(part, known) for part in located.parts)
        if isinstance(located.node, Series):
            known[located] = series(parts, located.node.input, located.span)
        else:
            known[located] = with_parts(located, parts)
    return known[located]


# --- repeats written out ---


class Step(NamedTuple):
    """A layer, a module or a merge at one turn of the repeats around it.

    Attributes:
        located: Where it stands.
        turns: Of the repeats around it in its scope, outermost first.
        turn: Of the nearest repeat at all.
    """

    located: Located
    turns: tuple[int, ...]
    turn: int | None

    @property
    def node(self) -> Node:
        return self.located.node

    @property
    def name(self) -> str | None:
        """Its name in its scope."""
        name = self.located.name
        return None if name is None else name.at(*self.turns)

    @property
    def layer(self) -> Layer:
        """The layer, with the numbers that it has at this turn."""
        assert isinstance(self.node, Op)
        return self.node.layer if self.turn is None else self.node.layer.at(self.turn)

    @property
    def contents(self) -> Iterator[Step]:
        """The steps inside a module."""
        return unrolled(self.located.body, (), self.turn)

    @property
    def paths(self) -> list[Iterator[Step]]:
        """The steps of each path of a merge."""
        return [unrolled(path, self.turns, self.turn) for path in self.located.parts]


def unrolled(
    located: Located, turns: tuple[int, ...] = (), turn: int | None = None
) -> Iterator[Step]:
    """Yield the steps of a part of a scope in their order, repeats written out."""
    match located.node:
        case Series():
            for part in located.parts:
                yield from unrolled(part, turns, turn)
        case Repeat(count=count):
            body = located.body
            for i in range(count):
                yield from unrolled(body, (*turns, i), i)
        case _:
            yield Step(located, turns, turn)


def layers(
    located: Located, path: str = "", turns: tuple[int, ...] = (), turn: int | None = None
) -> Iterator[tuple[str, Step]]:
    """Yield every named layer by its full name, repeats written out."""
    for step in unrolled(located, turns, turn):
        match step.node:
            case Scope():
                yield from layers(step.located.body, f"{path}{step.name}.", (), step.turn)
            case Parallel():
                for branch in step.located.parts:
                    yield from layers(branch, path, step.turns, step.turn)
            case _ if step.name is not None:
                yield f"{path}{step.name}", step
