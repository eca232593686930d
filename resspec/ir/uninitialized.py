"""A network without initial values: what trained weights do not depend on."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op
from resspec.ir.ops import Layer

_FIELDS = ("init", "init_value")  # of layers, for the tensor that they have


def without_init(network: Network) -> Network:
    """Return the network with all initial values removed, to compare it with others."""
    known: dict[Located, Located] = {}
    sections = tuple(
        replace(section, located=_without(section.located, known)) for section in network.sections
    )
    return replace(network, sections=sections)


def _without(located: Located, known: dict[Located, Located]) -> Located:
    if (found := known.get(located)) is None:
        match located.node:
            case Op(layer=layer) as op:
                found = replace(located, node=replace(op, layer=_layer(layer), init=None))
            case _:
                parts = tuple(_without(part, known) for part in located.parts)
                found = walk.with_parts(located, parts)
        known[located] = found
    return found


def _layer(layer: Layer) -> Layer:
    zeros = {field.name: Fraction(0) for field in fields(layer) if field.name in _FIELDS}
    return replace(layer, **zeros) if zeros else layer
