"""Networks side by side: one column each, equal output sizes level, sections on panels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from resspec.backends.draw.elements import Box, BoxRow, Element, boxes
from resspec.backends.draw.layout import BOX, ElementLayout, Extent, Shape, gap, lead
from resspec.backends.draw.levels import Level, Placed, common, heights, items, runs
from resspec.backends.draw.measure import shortened, width
from resspec.backends.draw.shapes import PlacedBox, Rule, SectionPanel, Words
from resspec.ir.network import Network

MARGIN, GROUND, GUTTER = 24.0, 9.0, 8.0  # around all; around a section; between its name and it
SECTION, BAND, COLUMN = 37.0, 46.0, 26.0  # between sections, between sizes, between networks
_RULE = 28.0  # from the line between two sizes to the layers below it
HEAD = 62.0  # above the input
_LONGEST = 150.0  # of a section's name
_TINTS = 7
_TINTED = ("conv", "upconv", "linear")
LABEL, TITLE, SMALL = 11.0, 14.0, 10.0


class DrawnColumn(NamedTuple):
    """A network with what it shows of each of its sections, and the words above it."""

    network: Network
    sections: tuple[BoxRow, ...]
    title: str
    says: str


class Columns(NamedTuple):
    width: float
    height: float
    panels: list[SectionPanel]
    rules: list[Rule]
    words: list[Words]
    shapes: list[Shape]


def columns(given: Sequence[DrawnColumn]) -> Columns:
    made = [_Column(number, column) for number, column in enumerate(given)]
    levels = common([[level for level, _ in column.runs] for column in made])
    bands = [0.0] * len(levels)
    for column in made:
        for i, (_, group) in zip(
            heights([level for level, _ in column.runs], levels), column.runs, strict=True
        ):
            bands[i] = max(bands[i], column.height(group))
    start = MARGIN + HEAD + BOX + BAND
    tops = list(accumulate((band + BAND for band in bands), initial=start))
    sizes = [_size(level) for level in levels]
    left = MARGIN + max(width(word, LABEL) for word in ("output size", *sizes)) + COLUMN
    words = [Words(word, MARGIN, top + 16, "size") for word, top in zip(sizes, tops, strict=False)]
    words.append(Words("output size", MARGIN, MARGIN + HEAD + 16, "size"))
    drawn = Columns(
        0.0, tops[-1] - BAND + GROUND, [], [Rule(top - _RULE) for top in tops[:-1]], words, []
    )
    for column in made:
        places = [tops[i] for i in heights([level for level, _ in column.runs], levels)]
        column.draw(left, places, _tints(levels), drawn)
        left += column.width + COLUMN
    return drawn._replace(width=left - COLUMN + MARGIN)


def _size(level: Level) -> str:
    return str(level[0]) if len(set(level)) == 1 else "x".join(map(str, level))


def _tints(levels: Sequence[Level]) -> dict[Level, str]:
    """Return a color for each size; the smallest has the first, as in most networks."""
    sizes = [level for level in dict.fromkeys(reversed(levels)) if set(level) != {1}]
    return {level: f"s{i % _TINTS + 1}" for i, level in enumerate(sizes)}


_Span = tuple[float, float, str, int]  # from a height to another, in a colour, so many convolutions


class _Column:
    def __init__(self, number: int, column: DrawnColumn) -> None:
        self.number = number
        self.column = column
        shown = [box for row in column.sections for box in boxes(row)]
        words = [str(column.network.input), *(box.label for box in shown)]
        self.layout = ElementLayout(max(72.0, *(width(word, LABEL) + 18 for word in words)), number)
        self.runs = runs([item for i, row in enumerate(column.sections) for item in items(i, row)])
        placed = [self.layout.extent(element) for _, group in self.runs for _, element in group]
        self.labels = [
            shortened(section.label.removesuffix(".."), LABEL, _LONGEST)
            for section in column.network.sections
        ]
        self.outputs = [str(section.body.output) for section in column.network.sections]
        self.wide = Extent(
            0.0,
            *(
                max([self.layout.half, *side]) + GROUND
                for side in ([one.left for one in placed], [one.right for one in placed])
            ),
        )
        named = GUTTER + max(width(word, LABEL) for word in (*self.labels, *self.outputs))
        above = max(width(column.title, TITLE), width(column.says, SMALL)) / 2
        self.left = max(self.wide.left + named, above)
        self.width = self.left + max(self.wide.right, above)

    def height(self, group: list[Placed]) -> float:
        """Return the height of a level, from its first layer."""
        gaps = sum(_gap(a, b) for a, b in pairwise(group)) - lead(group[0][1])
        return sum(self.layout.extent(element).height for _, element in group) + gaps

    def draw(
        self, left: float, tops: Sequence[float], tints: dict[Level, str], to: Columns
    ) -> None:
        x, y = left + self.left, MARGIN + HEAD
        to.words.append(Words(self.column.title, x, MARGIN + 20, "title", "middle"))
        to.words.append(Words(self.column.says, x, MARGIN + 38, "says", "middle"))
        image = Box(str(self.column.network.input), "input", (), self.column.network.input, ())
        to.shapes.append(
            PlacedBox(
                image, self.number, x - self.layout.half, y, 2 * self.layout.half, BOX, "input"
            )
        )
        y += BOX
        grounds: dict[int, list[_Span]] = {}
        for top, (level, group) in zip(tops, self.runs, strict=True):
            for i, (section, element) in enumerate(group):
                start = top - lead(element) if i == 0 else y + _gap(group[i - 1], group[i])
                to.shapes.extend(self.layout.link(element, x, y, start))
                y = start + self.layout.extent(element).height
                color = tints.get(level, "s0")
                to.shapes.extend(_tinted(self.layout.place(element, x, start), color))
                grounds.setdefault(section, []).append((start, y, color, _weight(element)))
        for section, spans in grounds.items():
            self._ground(section, spans, x, to)

    def _ground(self, section: int, spans: list[_Span], x: float, to: Columns) -> None:
        """In the colour of the level on which most of its convolutions stand."""
        top, bottom = spans[0][0], spans[-1][1]
        count = Counter[str]()
        for _, _, color, weight in spans:
            count[color] += weight
        color = max(count, key=count.__getitem__)
        label, output = self.labels[section], self.outputs[section]
        left, right = x - self.wide.left, x + self.wide.right
        to.panels.append(
            SectionPanel(
                label,
                self.number,
                section,
                left,
                top - GROUND,
                right - left,
                bottom - top + 2 * GROUND,
                color,
            )
        )
        to.words.append(Words(label, left - GUTTER, top + 5, f"section {color}", "end"))
        to.words.append(Words(output, left - GUTTER, top + 18, "says", "end"))


def _gap(before: Placed, after: Placed) -> float:
    return SECTION - lead(after[1]) if before[0] != after[0] else gap(before[1], after[1])


def _weight(element: Element) -> int:
    return sum(box.times for box in boxes(element) if box.kind in _TINTED)


def _tinted(shapes: Iterator[Shape], color: str) -> Iterator[Shape]:
    """Yield shapes; layers with weights, but for a classifier, get the color of their level."""
    for shape in shapes:
        if isinstance(shape, PlacedBox):
            yield shape._replace(tint=color if shape.box.kind in _TINTED else "s0")
        else:
            yield shape
