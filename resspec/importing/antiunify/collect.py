"""IR to terms: which scopes are rows of modules, which run more than a row, and the distinct bodies of these."""

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
from resspec.ir.network import Network
from resspec.ir.shape import Name
from resspec.passes.named import NamedNode, NamedOp, NamedRepeat, NamedScope, named
from resspec.passes.schedule import ROW, schedule, shared_scopes, steps


def collect(network: Network) -> BlockBody:
    """Return the body of a network; equal bodies in it are one object."""
    return _Collector().body(network.name, named(network))


def layer_term(op: NamedOp) -> LayerTerm:
    """Return a layer as a term."""
    return LayerTerm(op.kind, tuple(vars(op.layer).items()))


class _Collector:
    def __init__(self) -> None:
        self._bodies: dict[Hashable, BlockBody] = {}
        self._terms: dict[Hashable, tuple[NamedScope, Term]] = {}

    def body(self, kind: str, node: NamedNode) -> BlockBody:
        key = (kind, schedule(node, self._make), (node.input.channels, node.output.channels))
        return self._bodies.setdefault(key, BlockBody(*key))

    def _make(self, part: NamedOp | NamedScope, index: int, depth: int) -> tuple[Path, Term] | None:
        del index, depth
        term = self._term(part) if isinstance(part, NamedScope) else layer_term(part)
        return None if term == RowTerm(()) else ((part.name or Name(part.kind),), term)

    def _term(self, scope: NamedScope) -> Term:
        """Return what the module of a scope is; shared subtrees are looked at once."""
        key = (id(scope.body), scope.block, scope.name.prefix)
        if key not in self._terms:
            items = None if shared_scopes(scope.body) else self._items(scope.body, 0)
            kind = scope.block or scope.name.prefix
            is_row = items is not None and scope.block is None
            term = RowTerm(items or ()) if is_row else BlockTerm(self.body(kind, scope.body))
            self._terms[key] = scope, term
        return self._terms[key][1]

    def _items(self, node: NamedNode, depth: int) -> tuple[ItemTerm, ...] | None:
        """Return the node as modules in a row, or None where it is more than that."""
        items: list[ItemTerm] = []
        for _, part in steps((0, node), depth, ROW):
            match part:
                case NamedOp(name=Name() as name):
                    items.append(NamedTerm(name, layer_term(part)))
                case NamedScope(name=name):
                    items.append(NamedTerm(name, self._term(part)))
                case NamedRepeat(count=count, body=body) if inner := self._items(body, depth + 1):
                    items.append(RepeatTerm(count, inner))
                case _:
                    return None
        return tuple(items)
