"""IR to terms: which scopes are rows of modules, which run more than a row, and the distinct bodies
of these.
"""

from __future__ import annotations

from collections.abc import Hashable

from resspec.importing.antiunify.terms import (
    BlockBody,
    BlockTerm,
    ItemTerm,
    LayerTerm,
    NamedTerm,
    Path,
    RepeatTerm,
    RowTerm,
    Term,
)
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Repeat, Scope
from resspec.ir.shape import Name
from resspec.passes.schedule import ROW, contents, schedule, shared_scopes, steps


def collect(network: Network) -> BlockBody:
    """Return the body of a network; equal bodies in it are one object."""
    return _Collector().body(network.name, walk.whole(network))


def layer_term(op: Op) -> LayerTerm:
    """Return a layer as a term."""
    return LayerTerm(op.kind, tuple(vars(op.layer).items()))


class _Collector:
    def __init__(self) -> None:
        self._bodies: dict[Hashable, BlockBody] = {}
        self._terms: dict[Hashable, Term] = {}

    def body(self, kind: str, body: Located) -> BlockBody:
        channels = (body.node.input.channels, body.node.output.channels)
        program = schedule(body, self._make)
        key = (kind, contents(program), channels)
        return self._bodies.setdefault(key, BlockBody(kind, program, channels))

    def _make(self, part: Located, index: int, depth: int) -> tuple[Path, Term] | None:
        del index, depth
        if isinstance(part.node, Op):
            return (part.name or Name(part.node.kind),), layer_term(part.node)
        assert part.name is not None
        term = self._term(part)
        return None if term == RowTerm(()) else ((part.name,), term)

    def _term(self, scope: Located) -> Term:
        """Return what the module of a scope is; shared subtrees are looked at once."""
        assert scope.name is not None
        key = (scope.body, scope.block, scope.name.prefix)
        if key not in self._terms:
            items = None if shared_scopes(scope.body) else self._items(scope.body, 0)
            kind = scope.block or scope.name.prefix
            is_row = items is not None and scope.block is None
            term = RowTerm(items or ()) if is_row else BlockTerm(self.body(kind, scope.body))
            self._terms[key] = term
        return self._terms[key]

    def _items(self, body: Located, depth: int) -> tuple[ItemTerm, ...] | None:
        """Return the node as modules in a row, or None where it is more than that."""
        items: list[ItemTerm] = []
        for _, part in steps((0, body), depth, ROW):
            match part.node:
                case Op() as op if part.name is not None:
                    items.append(NamedTerm(part.name, layer_term(op)))
                case Scope() if part.name is not None:
                    items.append(NamedTerm(part.name, self._term(part)))
                case Repeat(count=count) if inner := self._items(part.body, depth + 1):
                    items.append(RepeatTerm(count, inner))
                case _:
                    return None
        return tuple(items)
