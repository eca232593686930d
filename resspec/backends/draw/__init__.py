"""Drawings as in He et al. 2015: a column of layers, stages in colors, shortcuts as arcs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isqrt
from typing import NamedTuple

from resspec.backends.draw.columns import MARGIN, DrawnColumn, columns
from resspec.backends.draw.elements import Box, boxes
from resspec.backends.draw.layout import SMALL
from resspec.backends.draw.measure import width
from resspec.backends.draw.shapes import (
    ColorScale,
    Drawing,
    Join,
    Part,
    PlacedBox,
    PlacedOutput,
    Sample,
    Wire,
)
from resspec.backends.draw.view import View, elements
from resspec.backends.report.table import figure
from resspec.backends.summary import summary
from resspec.passes.quantities import Facts

COLOR_BY = {"macs": "macs", "params": "params", "acts": "acts", "saved": "saved_bytes"}
STEPS = 9  # of the scale of a quantity
SIGNS = {"+": "added", "-": "removed", "~": "changed"}
LEGEND = {
    "dashed": "the shape changes",
    "add": "adds",
    "mul": "multiplies",
    "concat": "concatenates",
    "output": "an output of the network",
    **SIGNS,
}
_LEGEND, _RAMP = 34.0, 52.0  # their heights


class Pictured(NamedTuple):
    """A network to be drawn; `signs` of its layers in a diff, by their names."""

    facts: Facts
    title: str
    signs: Mapping[str, str] | None = None


def draw(
    networks: Sequence[Pictured],
    *,
    unfold: bool = False,
    layers: bool = False,
    color_by: str | None = None,
) -> Drawing:
    """Return a drawing of networks side by side, at least one.

    Args:
        networks: The networks.
        unfold: Whether repeats are written out.
        layers: Whether norms and activations are drawn too.
        color_by: One of COLOR_BY, of each layer alone, however often it is repeated. For what
            autograd keeps, norms and activations are drawn too.
    """
    layers = layers or color_by == "saved"
    right, height, parts = columns(
        [_column(one, View(layers, unfold, one.signs)) for one in networks]
    )
    facts = [one.facts for one in networks]
    parts = [
        part._replace(says=_says(part.box, facts[part.column]))
        if isinstance(part, PlacedBox)
        else part
        for part in parts
    ]
    legend = list(_legend(parts, height + _LEGEND))
    right = max([right, *(sample.x + width(sample.text, SMALL) + MARGIN for sample in legend)])
    height += _LEGEND + MARGIN if legend else MARGIN
    parts += legend
    if color_by:
        parts, scale = _colored(parts, facts, color_by, height)
        parts.append(scale)
        height, right = height + _RAMP, max(right, 2 * MARGIN + STEPS * scale.step)
    title = ", ".join(one.title for one in networks)
    return Drawing(right, height, title, "; ".join(map(_in_words, networks)), tuple(parts))


def _column(one: Pictured, view: View) -> DrawnColumn:
    """Return a column; norms and activations are drawn where it would be empty without them."""
    facts = one.facts
    places = {entry.trail: i for i, (entry, _) in enumerate(facts.entries)}
    sections = tuple(elements(section, view, places) for section in facts.marked.sections)
    if not view.layers and not any(any(boxes(row)) for row in sections):
        return _column(one, view._replace(layers=True))
    figures = (f"{figure(name, facts.total(name))} {name}" for name in ("layers", "params", "macs"))
    return DrawnColumn(facts.network, sections, one.title, " · ".join(figures))


def _colored(
    parts: Sequence[Part], facts: Sequence[Facts], color_by: str, y: float
) -> tuple[list[Part], ColorScale]:
    """Return the parts with boxes in the colors of a scale, which stands at a height."""
    quantity = COLOR_BY[color_by]

    def value(placed: PlacedBox) -> int:
        return _value(placed.box, facts[placed.column], quantity)

    boxes = [part for part in parts if isinstance(part, PlacedBox)]
    most = max(map(value, boxes), default=0)
    colored = [
        part._replace(tint=f"q{_step(value(part), most)}")
        if isinstance(part, PlacedBox) and part.tint != "input"
        else part
        for part in parts
    ]
    least = [most * i * i // STEPS**2 for i in range(STEPS if most else 1)]
    marks = tuple(figure(quantity, value) for value in least) if most else ("0",)
    step = max(34.0, *(width(mark, SMALL) + 8 for mark in marks))
    return colored, ColorScale(MARGIN, y, f"{color_by} of a layer", marks, step)


def _value(box: Box, facts: Facts, quantity: str) -> int:
    """Return the mean of the layers of a box."""
    found = [facts.entries[i] for i in box.entries]
    times = sum(entry.times for entry, _ in found)
    return sum(figures[quantity] for _, figures in found) // times if times else 0


def _step(value: int, most: int) -> int:
    """Return a step by the square root, so that small values do not share one color."""
    return min(STEPS - 1, isqrt(value * STEPS**2 // most)) if most else 0


def _says(box: Box, facts: Facts) -> str:
    if not box.entries:
        return "the input"
    figures = (
        f"{figure(name, _value(box, facts, name))} {words}" for words, name in COLOR_BY.items()
    )
    count = f" each; {box.times:,} of them" if box.times > 1 else ""
    mark = f"{SIGNS[box.sign]}: " if box.sign else ""
    return f"{mark}{box.names[0]}: {box.label} → {box.output}; {', '.join(figures)}{count}"


def _legend(parts: Sequence[Part], y: float) -> Iterator[Sample]:
    """Yield the signs that occur, with what they mean, in a line."""
    found = set[str]()
    for part in parts:
        match part:
            case PlacedBox(box=box):
                found.add(box.sign)
            case Join(branch=branch):
                found |= {branch.merge, branch.sign}
            case Wire(dashed=True):
                found.add("dashed")
            case PlacedOutput():
                found.add("output")
    x = MARGIN
    for kind, words in LEGEND.items():
        if kind in found:
            x += 32 if kind in ("dashed", "output") else 18
            yield Sample(kind, words, x, y)
            x += width(words, SMALL) + 16


def _in_words(one: Pictured) -> str:
    """Return a description of a picture for screen readers."""
    network = one.facts.network
    parts = (
        f"{section.label}: {summary(section.located)}, to {section.body.output}"
        for section in network.sections
    )
    outputs = f"; outputs: {', '.join(network.outputs)}" if network.outputs else ""
    return f"{one.title}, from {network.input}: {'; '.join(parts)}{outputs}"
