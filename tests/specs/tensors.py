"""A network's state as torch would list it: every name and shape, read from the IR alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Repeat, Scope
from resspec.ir.ops.layer import tensor_name

Tensor = tuple[str, tuple[int, ...]]


def tensors(network: Network) -> list[Tensor]:
    """Parameters and buffers in the order of `state_dict`, repeats written out."""
    return [
        (tensor_name(name, tensor), shape)
        for name, op in operations(network)
        for tensor, shape in (op.layer.parameters(op.input) | op.layer.buffers(op.input)).items()
    ]


def operations(within: Network | Located) -> Iterator[tuple[str, Op]]:
    """Yield every named layer with its full name; ramps have the values of their turns."""
    if isinstance(within, Located):
        yield from _operations(within, "", ())
        return
    for section in within.sections:
        yield from _operations(section.located, "", ())


def _operations(located: Located, scope: str, turns: tuple[int, ...]) -> Iterator[tuple[str, Op]]:
    node, name = located.node, located.name
    match node:
        case Op():
            if name is not None:
                yield scope + name.at(*turns), node
        case Repeat(count=count):
            for turn in range(count):
                yield from _at(turn, _operations(located.body, scope, (*turns, turn)))
        case Scope():
            assert name is not None
            yield from _operations(located.body, f"{scope}{name.at(*turns)}.", ())
        case _:
            for part in located.parts:
                yield from _operations(part, scope, turns)


def _at(turn: int, named: Iterator[tuple[str, Op]]) -> Iterator[tuple[str, Op]]:
    for name, op in named:
        layer = op.layer.at(turn)
        yield name, op if layer is op.layer else replace(op, layer=layer)
