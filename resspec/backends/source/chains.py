"""Short rows of layers that stand in several places, such as convolution, norm and activation: each becomes a function."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, TypeGuard

from resspec.backends.source.terms import (
    Apply,
    Body,
    Item,
    Leaf,
    Loop,
    Many,
    One,
    Program,
    Row,
    Term,
    instances,
)
from resspec.ir.ops.activation import Activation, Gelu, Sigmoid
from resspec.ir.ops.norm import Norm

_Key = tuple[str, tuple[Any, ...]]
Chains = dict[_Key, str]  # the names of the functions

_PLACES = 3  # in the file, from which on a function pays
_LONGEST = 4


class _Layer(One):
    """For the type checker: an item that is a layer."""

    term: Leaf


def repeated_chains(root: Body) -> Chains:
    """Those of a network, found in its terms."""
    places: dict[_Key, dict[Hashable, str]] = {}
    for body in _all(root):
        for place, name, key in _in_program(body.program, body.kind):
            places.setdefault(key, {})[place] = name
    return {
        key: _function_name(key, list(found.values()))
        for key, found in places.items()
        if len(found) >= _PLACES
    }


def row_key(items: Sequence[Item]) -> _Key | None:
    """What rows share that one function can make; None for a row that is no short chain of layers."""
    if not 2 <= len(items) <= _LONGEST or sum(map(_is_weighted, items)) != 1:
        return None
    layers = tuple(
        (item.names, item.term.module, item.term.layer.kind) for item in items if _is_layer(item)
    )
    return ("row", layers) if len(layers) == len(items) else None


def list_key(items: Sequence[Item]) -> _Key | None:
    """The same for a segment of a row."""
    layers = tuple((item.term.module, item.term.layer.kind) for item in items if _is_layer(item))
    return ("list", layers) if 2 <= len(items) == len(layers) else None


def segments(items: Sequence[Item]) -> Iterator[list[Item]]:
    """The items of a row, each layer with weights together with the norm and the activation that follow it."""
    run: list[Item] = []
    for item in items:
        follows = _is_layer(item) and isinstance(
            item.term.layer, Activation | Gelu | Sigmoid | Norm
        )
        if run and not (follows and _is_weighted(run[0])):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _is_layer(item: Item) -> TypeGuard[_Layer]:
    return isinstance(item, One) and isinstance(item.term, Leaf)


def _is_weighted(item: Item) -> bool:
    return _is_layer(item) and item.term.layer.weighted


def _all(root: Body) -> list[Body]:
    found: dict[int, Body] = {}
    todo = [root]
    while todo:
        body = todo.pop()
        if id(body) not in found:
            found[id(body)] = body
            todo += instances(body.program)
    return list(found.values())


def _in_program(program: Program, place: Hashable) -> Iterator[tuple[Hashable, str, _Key]]:
    for statement in program.statements:
        match statement:
            case Apply(path=path, term=term):
                yield from _in_term(term, (place, path), path[-1].prefix)
            case Loop(body=body):
                yield from _in_program(body, place)
            case _:
                pass


def _in_term(term: Term, place: Hashable, name: str) -> Iterator[tuple[Hashable, str, _Key]]:
    """Where a chain stands, what it is called there, and its key."""
    if not isinstance(term, Row):
        return
    if key := row_key(term.items):
        yield place, name, key
        return
    yield from _in_items(term.items, place)


def _in_items(items: Sequence[Item], place: Hashable) -> Iterator[tuple[Hashable, str, _Key]]:
    for segment in segments(items):
        first = segment[0]
        if isinstance(first, Many):
            yield from _in_items(first.items, (place, first.items))
        elif len(segment) == 1:
            yield from _in_term(first.term, (place, first.names), first.names[0].prefix)
        elif key := list_key(segment):
            yield (place, first.names), "", key


def _function_name(key: _Key, names: list[str]) -> str:
    """What the places have in common, else what the layers are: `conv_bn_relu`."""
    common = names[0] if len(set(names)) == 1 else ""
    return common if len(common) > 2 else "_".join(layer[-1] for layer in key[1])
