"""The rows of a report: a network by its stages, by its blocks, or by its layers and merges."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from math import prod
from typing import Literal, NamedTuple

from resspec.backends.summary import call, summary
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope
from resspec.passes.ledger import Trail, path
from resspec.passes.measure import measure
from resspec.passes.quantities import Facts, Figures, add
from resspec.passes.receptive import Field, fields, output_fields, output_shapes

View = Literal["stage", "block", "op"]
VIEWS: tuple[View, ...] = ("stage", "block", "op")


class ReportRow(NamedTuple):
    """A part of a network.

    Attributes:
        output: The shape that leaves it, without the batch axis.
        repeats: How often it occurs in a row, all of which the figures count.
        field: Of a section: how much of the input its last output sees.
    """

    label: str
    holds: str
    output: str
    repeats: int
    figures: Figures
    field: Field | None


class OutputRow(NamedTuple):
    """An output of a network.

    Attributes:
        name: The stage, layer or module that it leaves.
        shape: Its shape, without the batch axis.
        channels: Its channels.
        field: Its receptive field, and the distance to that of its neighbor.
    """

    name: str
    shape: str
    channels: int
    field: Field


def outputs(facts: Facts) -> Iterator[OutputRow]:
    """Yield the outputs that a network names, in the order in which they run."""
    network = facts.network
    seen = output_fields(network, facts.known.reached)
    for name, shape, field in zip(network.outputs, output_shapes(network), seen, strict=False):
        yield OutputRow(name, str(shape), shape.channels, field)


def rows(facts: Facts, by: View) -> Iterator[ReportRow]:
    """Return the rows in the order of the network."""
    if by == "stage":
        sections = facts.network.sections
        seen = fields(facts.network, facts.known.reached)
        for section, figures, field in zip(sections, facts.sections, seen, strict=True):
            holds_, output = summary(section.located), str(section.body.output)
            yield ReportRow(section.label, holds_, output, 1, figures, field)
        return
    parts: dict[Trail, list[Figures]] = {}
    for entry, figures in facts.entries:
        trail = entry.trail if by == "op" else block(entry.trail)
        parts.setdefault(trail, []).append(figures)
    for trail, found in parts.items():
        node = trail[-1].node
        figures = add(found)
        repeats = turns(trail)
        if isinstance(node, Scope):
            figures["layers"] = repeats * measure(node).layers
        if any(figures.values()):
            yield ReportRow(path(trail), holds(trail[-1]), str(node.output), repeats, figures, None)


def turns(trail: Trail) -> int:
    """Return how often the end of a trail runs."""
    return prod(each.node.count for each in trail if isinstance(each.node, Repeat))


def block(trail: Trail) -> Trail:
    """Return the way to the outermost block; of a layer outside any, to the layer."""
    outside = list(takewhile(lambda each: not each.block, trail))
    return trail[: len(outside) + 1]


def holds(located: Located) -> str:
    """Return what a part of a trail is, in a line."""
    match located.node:
        case Op(layer=layer):
            return call(layer)
        case Parallel(merge=merge, paths=paths):
            return f"{merge} of {len(paths)} paths"
        case _:
            return summary(located)
