"""A network's state as torch would list it: every name and shape, read from the IR alone."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series

Tensor = tuple[str, tuple[int, ...]]


def tensors(network: Network) -> list[Tensor]:
    """Parameters and buffers in the order of `state_dict`, repeats written out."""
    return [
        (f"{name}.{tensor}", shape)
        for name, op in operations(network.body)
        for tensor, shape in (op.layer.parameters(op.input) | op.layer.buffers(op.input)).items()
    ]


def operations(
    node: Node, scope: str = "", turns: tuple[int, ...] = ()
) -> Iterator[tuple[str, Op]]:
    """Every named layer by its full name; a field that grows with the turns of a repeat has its value there."""
    match node:
        case Op(name=None):
            return
        case Op(name=name):
            assert name is not None
            yield scope + name.at(*turns), node
        case Series(children=parts) | Parallel(paths=parts):
            for part in parts:
                yield from operations(part, scope, turns)
        case Repeat(count=count, body=body):
            for turn in range(count):
                yield from _at(turn, operations(body, scope, (*turns, turn)))
        case Scope(name=name, body=body):
            yield from operations(body, f"{scope}{name.at(*turns)}.", ())


def _at(turn: int, named: Iterator[tuple[str, Op]]) -> Iterator[tuple[str, Op]]:
    for name, op in named:
        layer = op.layer.at(turn)
        yield name, op if layer is op.layer else op.changed(layer=layer)
