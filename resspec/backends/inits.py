"""The `init` clauses that give each layer of a network its initial values."""

from __future__ import annotations

from resspec.ir import walk
from resspec.ir.init import AS_TORCH, Init
from resspec.ir.network import Network
from resspec.ir.nodes import Node, Op
from resspec.ir.ops import OPS
from resspec.ir.ops.norm import Norm

Inits = dict[str, Init | None]  # by the kind of layer; None where torch's own are left


def init_clauses(network: Network) -> dict[str, Init]:
    """Return initializers by the kind of layer, or by `stem` and `head` where these differ."""
    known: dict[Node, Inits] = {}
    found = [(section.kind, _inits(section.body, known)) for section in network.sections]
    by_kind: Inits = {}
    clauses: dict[str, Init] = {}
    for section, inits in sorted(found, key=lambda each: (each[0] != "stage", -_several(each[1]))):
        weights = _of_weights(inits)
        by_kind |= {kind: init for kind, init in inits.items() if kind not in weights}
        if all(by_kind.get(kind, init) == init for kind, init in weights.items()):
            by_kind |= weights
        else:
            (init,) = set(weights.values())
            clauses[section] = init or AS_TORCH
    return clauses | {kind: init for kind, init in by_kind.items() if init}


def has_scale(op: Op) -> bool:
    """Return whether the start of a norm stands at the layer, as `scale=`."""
    return (
        isinstance(op.layer, Norm)
        and op.init is not None
        and op.init.law == "constant"
        and op.init.bias == 0
    )


def _several(inits: Inits) -> int:
    """Return how many initializers the weights have: a section's own is a single one."""
    return len(set(_of_weights(inits).values()))


def _of_weights(inits: Inits) -> Inits:
    return {kind: init for kind, init in inits.items() if OPS[kind].weighted}


def _inits(node: Node, known: dict[Node, Inits]) -> Inits:
    return walk.fold(node, _joined, known)


def _joined(node: Node, parts: list[Inits]) -> Inits:
    if not isinstance(node, Op):
        return {kind: init for part in parts for kind, init in part.items()}
    is_clause = node.layer.weighted or (node.init is not None and not has_scale(node))
    return {node.kind: node.init} if is_clause else {}
