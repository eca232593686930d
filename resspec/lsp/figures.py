"""Shapes and costs as short texts, and the figures that take a walk over the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from resspec.ir.network import Network
from resspec.ir.nodes import Node
from resspec.passes.measure import measure
from resspec.passes.quantities import Facts
from resspec.passes.receptive import Field, fields_by_place

_UNITS = ("", "K", "M", "G", "T", "P")
MOST_ROWS = 8


class Figures(NamedTuple):
    """The figures of a network.

    Attributes:
        params: Learnable parameters.
        macs: Multiply-accumulates of one sample.
        saved_bytes: What autograd keeps of one sample.
        saved_at: The same of the layers at each place of the text, all their calls together.
        fields: The receptive field at the end of each place, at its first call.
    """

    params: int
    macs: int
    saved_bytes: int
    saved_at: dict[str, int]
    fields: dict[str, Field]


def figures(network: Network) -> Figures:
    """Return the figures of a network."""
    facts = Facts(network)
    saved_at: dict[str, int] = {}
    for entry, found in facts.entries:
        for place in {located.span for located in entry.trail}:
            saved_at[place] = saved_at.get(place, 0) + found["saved_bytes"]
    params, macs, saved = (facts.total(name) for name in ("params", "macs", "saved_bytes"))
    return Figures(params, macs, saved, saved_at, fields_by_place(network, facts.known.reached))


def short(value: float) -> str:
    """Return a number with three digits and a unit: `1.22M`."""
    for unit in _UNITS:
        if value < 999.5:
            return f"{value:.0f}" if unit == "" else f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g}E"


def cost(nodes: Sequence[Node]) -> tuple[int, int]:
    """Return the parameters and multiply-accumulates of nodes."""
    found = [measure(node) for node in nodes]
    return sum(each.params for each in found), sum(each.macs for each in found)


def shapes(node: Node) -> str:
    """Return the shapes that enter and leave a node."""
    return f"{node.input} -> {node.output}"


def table(nodes: Sequence[Node]) -> list[str]:
    """Return the lines of a table of nodes."""
    rows = ["| in | out | params | macs |", "|---|---|---|---|"]
    for node in nodes[:MOST_ROWS]:
        params, macs = cost([node])
        rows.append(f"| {node.input} | {node.output} | {params:,} | {short(macs)} |")
    if len(nodes) > MOST_ROWS:
        rows.append(f"| … | and {len(nodes) - MOST_ROWS} more | | |")
    return rows


def field_text(field: Field) -> str:
    """Return a receptive field: `35x35, stride 8`."""
    stride = "x".join(map(str, dict.fromkeys(field.stride)))
    return f"{field.size[0]}x{field.size[1]}, stride {stride}"
