"""The totals of other tools, from the IR alone, each with the bridge from macs to it: a fold in
which a repeat multiplies.

Every tool counts the multiply-accumulates of convolutions and linear layers, and then something of
its own, which `passes/dialects.py` knows; Keras counts parameters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.conv import Contraction
from resspec.ir.tools import TOOLS
from resspec.passes.dialects import DIALECTS, Dialect
from resspec.passes.measure import measure


class Item(NamedTuple):
    label: str
    value: int


class Like(NamedTuple):
    """The total of one sample that `tool` in `version` gives, which `bridge` adds up to, macs or
    params first, then the largest. `uncounted`: what computes something in this network and adds
    nothing to it, as words of the language, and `bias of conv`.
    """

    tool: str
    version: str
    counts: str
    total: int
    bridge: tuple[Item, ...]
    uncounted: tuple[str, ...]


def like(network: Network, tool: str) -> Like:
    """Return the total of a tool of TOOLS, and how it comes about; KeyError for another one."""
    dialect = DIALECTS[tool]
    found = walk.fold(walk.whole(network).node, partial(_count, dialect), {})
    extra = sorted(found.extra.items(), key=lambda item: (-abs(item[1]), item[0]))
    bridge = (
        Item(dialect.start, getattr(measure(network), dialect.start)),
        *(Item(label, value) for label, value in extra if value),
    )
    return Like(
        tool,
        *TOOLS[tool],
        sum(item.value for item in bridge),
        bridge,
        tuple(sorted(found.uncounted)) if dialect.start == "macs" else (),
    )


# --- the fold ---


class _Counted(NamedTuple):
    extra: Counter[str]
    uncounted: frozenset[str]


def _count(dialect: Dialect, node: Node, parts: list[_Counted]) -> _Counted:
    match node:
        case Op():
            return _layer(node, dialect)
        case Parallel():
            return _sum([*parts, _merge(node)])
        case Repeat(count=count):
            extra = {label: count * value for label, value in parts[0].extra.items()}
            return parts[0]._replace(extra=Counter(extra))
        case Series() | Scope():
            return _sum(parts)


def _sum(parts: Iterable[_Counted]) -> _Counted:
    extra: Counter[str] = Counter()
    uncounted: set[str] = set()
    for part in parts:
        extra.update(part.extra)
        uncounted |= part.uncounted
    return _Counted(extra, frozenset(uncounted))


def _layer(op: Op, dialect: Dialect) -> _Counted:
    layer, x, y = op.layer, op.input, op.output
    extra, macs = dialect.rule(layer, x, y), layer.macs(x, y)
    uncounted = set()
    if not macs + sum(extra.values()) and layer.elementwise(x, y):
        uncounted.add(layer.kind)
    if isinstance(layer, Contraction) and layer.bias and "bias" not in extra:
        uncounted.add(f"bias of {layer.kind}")
    return _Counted(Counter(extra), frozenset(uncounted))


def _merge(node: Parallel) -> _Counted:
    """No tool sees a sum or a product, which is written `+` or `*`."""
    calculates = node.merge != "concat"
    return _Counted(Counter(), frozenset({node.merge} if calculates else ()))
