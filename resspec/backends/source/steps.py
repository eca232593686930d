"""What runs in a scope, step by step: rows flat, neighbours of one name joined, short repeats written out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from resspec.backends.source.terms import Path
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.ops.layer import Ramp
from resspec.ir.shape import Name

Limits = tuple[int, int]

# Repeats that are written out, not looped over: from so many steps in the body, up to so many in all turns.
PROGRAM: Limits = (1, 12)
ROW: Limits = (2, 24)
NOWHERE: Limits = (1, 0)


def steps(node: Node, depth: int, limits: Limits) -> Iterator[Node]:
    """The steps of a node that stands `depth` repeats deep in its scope; neighbours that share a scope's name are one scope."""
    for _, group in groupby(
        _flat(node, depth, limits),
        key=lambda part: part.name if isinstance(part, Scope) else id(part),
    ):
        first, *others = group
        yield _joined(first, *others) if others else first


def shared_scopes(node: Node) -> set[Path]:
    """Scopes that stand in several places of a scope's body, not just side by side: their paths from there."""
    return set(_shared([node], ()))


def ramps(layer: Layer) -> list[Ramp]:
    """The fields of a layer that grow over a repeat."""
    return [value for value in vars(layer).values() if isinstance(value, Ramp)]


def _joined(*parts: Node) -> Scope:
    """Scopes of one name, one after the other."""
    first, last = parts[0], parts[-1]
    assert isinstance(first, Scope)
    bodies = tuple(part.body for part in parts if isinstance(part, Scope))
    body = Series(input=first.input, output=last.output, span=first.span, children=bodies)
    return Scope(input=first.input, output=last.output, span=first.span, name=first.name, body=body)


def _flat(node: Node, depth: int, limits: Limits) -> Iterator[Node]:
    match node:
        case Series(children=children):
            for child in children:
                yield from _flat(child, depth, limits)
        case Repeat(count=count, body=body) if count == 1 or _is_short(
            body, count, depth + 1, limits
        ):
            for turn in range(count):
                yield from _flat(_at_turn(body, turn, depth), depth, limits)
        case _:
            yield node


def _is_short(body: Node, count: int, depth: int, limits: Limits) -> bool:
    least, most = limits
    return (
        count <= most
        and least <= (n := sum(1 for _ in _flat(body, depth, limits)))
        and n * count <= most
    )


def _at_turn(node: Node, turn: int, depth: int | None, *, nearest: bool = True) -> Node:
    """A repeat's body at one of its turns. `depth`: which of a name's steps the repeat takes (None in scopes that open
    inside); `nearest`: no other repeat is nearer, so that ramps mean this one."""
    match node:
        case Op(name=name, layer=layer):
            layer = layer.at(turn) if nearest else layer
            return node.changed(name=name and _moved(name, turn, depth), layer=layer)
        case Scope(name=name, body=body):
            inner = _at_turn(body, turn, None) if nearest and _varies(body) else body
            return node.changed(name=_moved(name, turn, depth), body=inner)
        case Series(children=children):
            return node.changed(
                children=tuple(_at_turn(c, turn, depth, nearest=nearest) for c in children)
            )
        case Parallel(paths=paths):
            return node.changed(
                paths=tuple(_at_turn(p, turn, depth, nearest=nearest) for p in paths)
            )
        case Repeat(body=body):
            return node.changed(body=_at_turn(body, turn, depth, nearest=False))


def _moved(name: Name, turn: int, depth: int | None) -> Name:
    if name.number is None or depth is None or len(name.steps) <= depth:
        return name
    number = name.number + name.steps[depth] * turn
    return Name(name.prefix, number, (*name.steps[:depth], *name.steps[depth + 1 :]))


def _varies(node: Node) -> bool:
    """Whether a repeat around the node decides about numbers in it."""
    match node:
        case Op(layer=layer):
            return bool(ramps(layer))
        case Scope(body=body):
            return _varies(body)
        case Series(children=parts) | Parallel(paths=parts):
            return any(map(_varies, parts))
        case Repeat():
            return False


def _shared(nodes: Iterable[Node], path: Path) -> Iterator[Path]:
    found: dict[Name, list[Node]] = {}
    for node in nodes:
        for scope in _scopes(node):
            found.setdefault(scope.name, []).append(scope.body)
    for name, bodies in found.items():
        if len(bodies) > 1:
            yield (*path, name)
            yield from _shared(bodies, (*path, name))


def _scopes(node: Node) -> Iterator[Scope]:
    for part in steps(node, 0, NOWHERE):
        match part:
            case Scope():
                yield part
            case Parallel(paths=paths):
                for path in paths:
                    yield from _scopes(path)
            case Repeat(body=body):
                yield from _scopes(body)
            case _:
                pass
