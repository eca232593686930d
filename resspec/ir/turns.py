"""Turns of a repeat: its body at one of them, and a repeat of fewer."""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

from resspec.ir import walk
from resspec.ir.nodes import Located, Node, Op, Repeat, Scope
from resspec.ir.shape import Name

_VARYING: WeakKeyDictionary[Node, bool] = WeakKeyDictionary()


def at_turn(part: Located, turn: int, depth: int | None, *, nearest: bool = True) -> Located:
    """Return a repeat's body at one of its turns.

    Args:
        part: The body, or a part of it.
        turn: Which turn.
        depth: Which of a name's steps the repeat takes, None in scopes that open inside.
        nearest: Whether no other repeat is nearer, so that ramps mean this one.
    """
    match part.node:
        case Op(layer=layer) as op:
            if nearest and layer.varies:
                part = replace(part, node=replace(op, layer=layer.at(turn)))
        case Scope():
            if nearest and walk.varies(part.body.node, _VARYING):
                part = walk.with_parts(part, (at_turn(part.body, turn, None),))
        case node:
            nearest = nearest and not isinstance(node, Repeat)
            inner = [at_turn(each, turn, depth, nearest=nearest) for each in part.parts]
            part = walk.with_parts(part, tuple(inner))
    return replace(part, name=part.name and _at(part.name, turn, depth))


def turns(repeat: Located, first: int, last: int) -> list[Located]:
    """Return the turns of a repeat from the first up to the last, as a repeat where its layers are
    the same at all of them.
    """
    count, body = last - first, repeat.body
    if count == 1 or walk.varies(body.node, _VARYING):
        return [at_turn(body, turn, 0) for turn in range(first, last)]
    node = Repeat(repeat.node.input, repeat.node.output, count, body.node)
    return [replace(repeat, node=node, parts=(_later(body, first),))] if count else []


def _at(name: Name, turn: int, depth: int | None) -> Name:
    if name.number is None or depth is None or len(name.steps) <= depth:
        return name
    number = name.number + name.steps[depth] * turn
    steps = (*name.steps[:depth], *name.steps[depth + 1 :])
    if not steps:
        return Name.parse(f"{name.prefix}{number}")
    return Name(name.prefix, number, steps)


def _later(part: Located, turns: int) -> Located:
    """Return the body of a repeat that begins so many turns later."""
    name = part.name
    if name is not None and name.number is not None and name.steps:
        part = replace(part, name=name._replace(number=name.number + name.steps[0] * turns))
    if isinstance(part.node, Op | Scope):
        return part
    return replace(part, parts=tuple(_later(each, turns) for each in part.parts))
