"""Drawings as in He et al. 2015: a column of layers, stages in colors, shortcuts as arcs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isqrt
from typing import NamedTuple

from resspec.backends.draw.columns import MARGIN, SMALL, DrawnColumn, columns
from resspec.backends.draw.elements import Box
from resspec.backends.draw.layout import Shape
from resspec.backends.draw.measure import width
from resspec.backends.draw.shapes import Bracket, ColorScale, Drawing, Join, PlacedBox, Sample, Wire
from resspec.backends.draw.view import View, elements
from resspec.backends.report.table import figure
from resspec.backends.summary import summary
from resspec.passes.quantities import Facts

COLOR_BY = {"macs": "macs", "params": "params", "acts": "acts", "saved": "saved_bytes"}
STEPS = 9  # of the scale of a quantity
MERGES = {"add": "adds", "mul": "multiplies", "concat": "concatenates"}
SIGNS = {"+": "added", "-": "removed", "~": "changed"}
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
    placed = columns([_column(one, View(layers, unfold, one.signs)) for one in networks])
    boxes, wires, joins, brackets = _sorted(placed.shapes)
    told = tuple(box._replace(says=_says(box.box, networks[box.column].facts)) for box in boxes)
    legend = tuple(_legend(wires, joins, [box.box for box in boxes], placed.height + _LEGEND))
    height = placed.height + (_LEGEND if legend else 0) + MARGIN
    right = max(
        [placed.width, *(sample.x + width(sample.text, SMALL) + MARGIN for sample in legend)]
    )
    ramp = None
    if color_by:
        told, ramp = _coloured(told, networks, color_by, height)
        height, right = height + _RAMP, max(right, 2 * MARGIN + STEPS * ramp.step)
    title = ", ".join(one.title for one in networks)
    return Drawing(
        right,
        height,
        title,
        "; ".join(map(_in_words, networks)),
        tuple(placed.panels),
        tuple(placed.rules),
        wires,
        told,
        joins,
        brackets,
        tuple(placed.words),
        legend,
        ramp,
    )


def _column(one: Pictured, view: View) -> DrawnColumn:
    """Return a column; norms and activations are drawn where it would be empty without them."""
    facts = one.facts
    places = {entry.trail: i for i, (entry, _) in enumerate(facts.entries)}
    sections = tuple(elements(section, view, places) for section in facts.network.sections)
    if not view.layers and not any(row.children for row in sections):
        return _column(one, view._replace(layers=True))
    figures = (f"{figure(name, facts.total(name))} {name}" for name in ("layers", "params", "macs"))
    return DrawnColumn(facts.network, sections, one.title, " · ".join(figures))


def _coloured(
    boxes: Sequence[PlacedBox], networks: Sequence[Pictured], color_by: str, y: float
) -> tuple[tuple[PlacedBox, ...], ColorScale]:
    """Return the boxes in the colours of a scale, which stands at a height."""
    quantity = COLOR_BY[color_by]
    values = [_value(box.box, networks[box.column].facts, quantity) for box in boxes]
    most = max(values, default=0)
    tinted = (
        box if box.tint == "input" else box._replace(tint=f"q{_step(value, most)}")
        for box, value in zip(boxes, values, strict=True)
    )
    marks = (
        tuple(figure(quantity, most * i * i // STEPS**2) for i in range(STEPS)) if most else ("0",)
    )
    step = max(34.0, *(width(mark, SMALL) + 8 for mark in marks))
    return tuple(tinted), ColorScale(MARGIN, y, f"{color_by} of a layer", marks, step)


def _sorted(
    shapes: Iterable[Shape],
) -> tuple[tuple[PlacedBox, ...], tuple[Wire, ...], tuple[Join, ...], tuple[Bracket, ...]]:
    boxes: list[PlacedBox] = []
    wires: list[Wire] = []
    joins: list[Join] = []
    brackets: list[Bracket] = []
    for shape in shapes:
        match shape:
            case PlacedBox():
                boxes.append(shape)
            case Wire():
                wires.append(shape)
            case Join():
                joins.append(shape)
            case Bracket():
                brackets.append(shape)
    return tuple(boxes), tuple(wires), tuple(joins), tuple(brackets)


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


def _legend(
    wires: Iterable[Wire], joins: Iterable[Join], boxes: Iterable[Box], y: float
) -> Iterator[Sample]:
    x, joins = MARGIN, list(joins)
    signs = {*(box.sign for box in boxes), *(join.branch.sign for join in joins)}
    found = [("dashed", "the shape changes")] if any(wire.dashed for wire in wires) else []
    merges = {join.branch.merge for join in joins}
    found += [(merge, words) for merge, words in MERGES.items() if merge in merges]
    found += [(sign, words) for sign, words in SIGNS.items() if sign in signs]
    for kind, words in found:
        x += 32 if kind == "dashed" else 18
        yield Sample(kind, words, x, y)
        x += width(words, SMALL) + 16


def _in_words(one: Pictured) -> str:
    """Return a description of a picture for screen readers."""
    network = one.facts.network
    parts = (
        f"{section.label}: {summary(section.located)}, to {section.body.output}"
        for section in network.sections
    )
    return f"{one.title}, from {network.input}: {'; '.join(parts)}"
