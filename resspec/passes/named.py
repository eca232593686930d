"""The tree with its names and places in it, one object for each occurrence, as the source backend reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from resspec.ir import nodes, walk
from resspec.ir.init import Init
from resspec.ir.network import Network
from resspec.ir.nodes import Located
from resspec.ir.ops import Layer
from resspec.ir.shape import Name, Shape


@dataclass(eq=False, slots=True, kw_only=True)
class _Named:
    input: Shape
    output: Shape
    span: str

    def changed(self, **fields: Any) -> Self:
        return replace(self, **fields)


@dataclass(eq=False, slots=True, kw_only=True)
class NamedOp(_Named):
    name: Name | None
    layer: Layer
    init: Init | None = None

    @property
    def kind(self) -> str:
        return self.layer.kind


@dataclass(eq=False, slots=True, kw_only=True)
class NamedSeries(_Named):
    children: tuple[NamedNode, ...]


@dataclass(eq=False, slots=True, kw_only=True)
class NamedParallel(_Named):
    merge: Literal["add", "concat", "mul"]
    paths: tuple[NamedNode, ...]
    residual: int | None = None
    inplace: bool | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class NamedRepeat(_Named):
    count: int
    body: NamedNode


@dataclass(eq=False, slots=True, kw_only=True)
class NamedScope(_Named):
    name: Name
    body: NamedNode
    block: str | None = None


NamedNode = NamedOp | NamedSeries | NamedParallel | NamedRepeat | NamedScope


def named(network: Network) -> NamedNode:
    """Return all sections of a network in a row; what occurs with the same names is one object."""
    return _named(walk.whole(network), {})


def _named(located: Located, known: dict[Located, NamedNode]) -> NamedNode:
    if located not in known:
        parts = tuple(_named(part, known) for part in located.parts)
        known[located] = _node(located, parts)
    return known[located]


def _node(located: Located, parts: tuple[NamedNode, ...]) -> NamedNode:
    node = located.node
    common: dict[str, Any] = {"input": node.input, "output": node.output, "span": located.span}
    match node:
        case nodes.Op(layer=layer, init=init):
            return NamedOp(name=located.name, layer=layer, init=init, **common)
        case nodes.Series():
            return NamedSeries(children=parts, **common)
        case nodes.Parallel(merge=merge, residual=residual, inplace=inplace):
            return NamedParallel(
                merge=merge, paths=parts, residual=residual, inplace=inplace, **common
            )
        case nodes.Repeat(count=count):
            return NamedRepeat(count=count, body=parts[0], **common)
        case nodes.Scope():
            assert located.name is not None
            return NamedScope(name=located.name, body=parts[0], block=located.block, **common)
