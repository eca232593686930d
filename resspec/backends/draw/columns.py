"""Networks side by side: one column each, equal output sizes level, sections on panels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from resspec.backends.draw.elements import Box, BoxRow, Element, boxes
from resspec.backends.draw.layout import BOX, SMALL, Sketch, gap, sketch
from resspec.backends.draw.levels import Level, common, heights
from resspec.backends.draw.measure import shortened, width
from resspec.backends.draw.shapes import Part, PlacedBox, Rule, SectionPanel, Words
from resspec.ir.network import Network

MARGIN, GROUND, GUTTER = 24.0, 9.0, 8.0  # around all; around a section; between its name and it
SECTION, BAND, COLUMN = 37.0, 46.0, 26.0  # between sections, between sizes, between networks
_RULE = 28.0  # from the line between two sizes to the layers below it
HEAD = 62.0  # above the input
_LONGEST = 150.0  # of a section's name
_TINTS = 7
_TINTED = ("conv", "upconv", "linear")
LABEL, TITLE = 11.0, 14.0


class DrawnColumn(NamedTuple):
    """A network with what it shows of each of its sections, and the words above it."""

    network: Network
    sections: tuple[BoxRow, ...]
    title: str
    says: str


def columns(given: Sequence[DrawnColumn]) -> tuple[float, float, list[Part]]:
    """Return the width and the height of networks side by side, and all that is drawn of them."""
    made = [_Column(number, column) for number, column in enumerate(given)]
    levels = common([column.levels for column in made])
    bands = [0.0] * len(levels)
    for column in made:
        for i, run in zip(heights(column.levels, levels), column.runs, strict=True):
            bands[i] = max(bands[i], _height(run))
    start = MARGIN + HEAD + BOX + BAND
    *tops, end = accumulate((band + BAND for band in bands), initial=start)

    sizes = [_size(level) for level in levels]
    parts: list[Part] = [Rule(top - _RULE) for top in tops]
    parts += (Words(size, MARGIN, top + 16, "size") for size, top in zip(sizes, tops, strict=True))
    parts.append(Words("output size", MARGIN, MARGIN + HEAD + 16, "size"))
    left = MARGIN + max(width(word, LABEL) for word in ("output size", *sizes)) + COLUMN
    tints = _tints(levels)
    for column in made:
        own_tops = [tops[i] for i in heights(column.levels, levels)]
        parts += column.parts(left + column.left, own_tops, tints)
        left += column.width + COLUMN
    return left - COLUMN + MARGIN, end - BAND + GROUND, parts


def _size(level: Level) -> str:
    return str(level[0]) if len(set(level)) == 1 else "x".join(map(str, level))


def _tints(levels: Sequence[Level]) -> dict[Level, str]:
    """Return a color for each size; the smallest has the first, as in most networks."""
    sizes = [level for level in dict.fromkeys(reversed(levels)) if set(level) != {1}]
    return {level: f"s{i % _TINTS + 1}" for i, level in enumerate(sizes)}


class _Item(NamedTuple):
    """An element with a level of its own, in a section."""

    section: int
    element: Element
    sketch: Sketch

    @property
    def level(self) -> Level:
        return self.element.output.spatial or (1, 1)


class _Ground(NamedTuple):
    """A part of a section's panel: its color counts as much as its convolutions."""

    top: float
    bottom: float
    tint: str
    weight: int


class _Column:
    def __init__(self, number: int, column: DrawnColumn) -> None:
        self.number = number
        self.column = column
        sections = column.network.sections
        shown = [box for row in column.sections for box in boxes(row)]
        words = [str(column.network.input), *(box.label for box in shown)]
        self.half = max(72.0, *(width(word, LABEL) + 18 for word in words)) / 2
        items = [
            _Item(i, element, sketch(element, self.half, number))
            for i, row in enumerate(column.sections)
            for element in _elements(row)
        ]
        self.runs = [list(run) for _, run in groupby(items, lambda item: item.level)]
        self.levels = [run[0].level for run in self.runs]
        self.labels = [
            shortened(section.label.removesuffix(".."), LABEL, _LONGEST) for section in sections
        ]
        self.outputs = [str(section.body.output) for section in sections]
        self.ground_left = max([self.half, *(item.sketch.left for item in items)]) + GROUND
        self.ground_right = max([self.half, *(item.sketch.right for item in items)]) + GROUND
        named = GUTTER + max(width(word, LABEL) for word in (*self.labels, *self.outputs))
        above = max(width(column.title, TITLE), width(column.says, SMALL)) / 2
        self.left = max(self.ground_left + named, above)
        self.width = self.left + max(self.ground_right, above)

    def parts(self, x: float, tops: Sequence[float], tints: dict[Level, str]) -> Iterator[Part]:
        """Yield what is drawn around a middle line, each level from its top downwards."""
        y = MARGIN + HEAD
        yield Words(self.column.title, x, MARGIN + 20, "title", "middle")
        yield Words(self.column.says, x, MARGIN + 38, "says", "middle")
        size = self.column.network.input
        image = Box(str(size), "input", (), size, ())
        yield PlacedBox(image, self.number, x - self.half, y, 2 * self.half, BOX, "input")
        y += BOX

        grounds = defaultdict[int, list[_Ground]](list)
        for top, level, run in zip(tops, self.levels, self.runs, strict=True):
            tint = tints.get(level, "s0")
            for i, item in enumerate(run):
                start = y + _gap(run[i - 1], item) if i else top - item.sketch.lead
                yield from item.sketch.link(y, start, x)
                yield from (_tinted(shape, tint) for shape in item.sketch.at(x, start))
                y = start + item.sketch.height
                grounds[item.section].append(_Ground(start, y, tint, _weight(item.element)))
        for section, ground in grounds.items():
            yield from self._ground(section, ground, x)

    def _ground(self, section: int, parts: list[_Ground], x: float) -> Iterator[Part]:
        """Yield the panel of a section, in the color of most of its convolutions."""
        weights = Counter[str]()
        for part in parts:
            weights[part.tint] += part.weight
        tint = max(weights, key=weights.__getitem__)
        label, top = self.labels[section], parts[0].top
        left, wide = x - self.ground_left, self.ground_left + self.ground_right
        height = parts[-1].bottom - top + 2 * GROUND
        yield SectionPanel(label, self.number, section, left, top - GROUND, wide, height, tint)
        yield Words(label, left - GUTTER, top + 5, f"section {tint}", "end")
        yield Words(self.outputs[section], left - GUTTER, top + 18, "says", "end")


def _elements(row: BoxRow) -> Iterator[Element]:
    """Yield the elements of a section that may be on different levels."""
    for child in row.children:
        if isinstance(child, BoxRow):
            yield from _elements(child)
        else:
            yield child


def _height(run: list[_Item]) -> float:
    """Return the height of a level, from its first layer."""
    gaps = sum(_gap(a, b) for a, b in pairwise(run))
    return sum(item.sketch.height for item in run) + gaps - run[0].sketch.lead


def _gap(before: _Item, after: _Item) -> float:
    if before.section != after.section:
        return SECTION - after.sketch.lead
    return gap(before.element, after.element)


def _weight(element: Element) -> int:
    return sum(box.times for box in boxes(element) if box.kind in _TINTED)


def _tinted(shape: Part, tint: str) -> Part:
    """Return a shape; layers with weights, but for a classifier, get the color of their level."""
    if isinstance(shape, PlacedBox):
        return shape._replace(tint=tint if shape.box.kind in _TINTED else "s0")
    return shape
