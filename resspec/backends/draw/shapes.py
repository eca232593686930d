"""A picture as data: shapes in pixels from the top left. Writers only draw them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from resspec.backends.draw.elements import Box, Branch

Point = tuple[float, float]
Align = Literal["start", "middle", "end"]


class PlacedBox(NamedTuple):
    """`tint`: the name of its colour; `says`: what is told of it."""

    box: Box
    column: int
    x: float
    y: float
    width: float
    height: float
    tint: str = ""
    says: str = ""


class Wire(NamedTuple):
    """A path of values: straight lines with round corners.

    Attributes:
        dashed: Whether it is a shortcut that changes the shape.
        says: A description of a shortcut.
    """

    points: tuple[Point, ...]
    arrow: bool = False
    dashed: bool = False
    says: str = ""
    sign: str = ""


class Join(NamedTuple):
    """The circle in which paths merge."""

    branch: Branch
    column: int
    center: Point


class Bracket(NamedTuple):
    """A bracket beside elements that are repeated, from one height to another."""

    turns: int
    x: float
    top: float
    bottom: float


class SectionPanel(NamedTuple):
    """The ground of a section."""

    label: str
    column: int
    section: int
    x: float
    y: float
    width: float
    height: float
    tint: str


class Rule(NamedTuple):
    """Between two output sizes, over the whole width."""

    y: float


class Words(NamedTuple):
    text: str
    x: float
    y: float
    style: str
    align: Align = "start"


class Sample(NamedTuple):
    """A line of the legend: `kind` is `dashed`, a merge, or a sign of a diff."""

    kind: str
    text: str
    x: float
    y: float


class ColorScale(NamedTuple):
    """The color scale of a quantity.

    Attributes:
        marks: The least value of each step.
        step: The width of a step.
    """

    x: float
    y: float
    title: str
    marks: tuple[str, ...]
    step: float


class Drawing(NamedTuple):
    """All of a picture; `title` and `says` are read to who does not see it."""

    width: float
    height: float
    title: str
    says: str
    panels: tuple[SectionPanel, ...]
    rules: tuple[Rule, ...]
    wires: tuple[Wire, ...]
    boxes: tuple[PlacedBox, ...]
    joins: tuple[Join, ...]
    brackets: tuple[Bracket, ...]
    words: tuple[Words, ...]
    legend: tuple[Sample, ...]
    ramp: ColorScale | None = None
