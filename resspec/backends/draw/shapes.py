"""A picture as data: shapes in pixels from the top left. Writers only draw them."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeVar

from resspec.backends.draw.elements import Box, Branch

T = TypeVar("T")
Point = tuple[float, float]
Align = Literal["start", "middle", "end"]


class PlacedBox(NamedTuple):
    """A layer.

    Attributes:
        tint: The name of its color.
        says: A description of it.
    """

    box: Box
    column: int
    x: float
    y: float
    width: float
    height: float
    tint: str = ""
    says: str = ""

    def moved(self, x: float, y: float) -> PlacedBox:
        return self._replace(x=self.x + x, y=self.y + y)


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

    def moved(self, x: float, y: float) -> Wire:
        return self._replace(points=tuple([(left + x, top + y) for left, top in self.points]))


class Join(NamedTuple):
    """The circle in which paths merge."""

    branch: Branch
    column: int
    center: Point

    def moved(self, x: float, y: float) -> Join:
        return self._replace(center=(self.center[0] + x, self.center[1] + y))


class Bracket(NamedTuple):
    """A bracket beside elements that are repeated, from one height to another."""

    turns: int
    x: float
    top: float
    bottom: float

    def moved(self, x: float, y: float) -> Bracket:
        return Bracket(self.turns, self.x + x, self.top + y, self.bottom + y)


class PlacedOutput(NamedTuple):
    """The name of an output, behind the arrow that leads to it."""

    name: str
    column: int
    x: float
    y: float

    def moved(self, x: float, y: float) -> PlacedOutput:
        return self._replace(x=self.x + x, y=self.y + y)


Shape = PlacedBox | Wire | Join | Bracket | PlacedOutput


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
    """A line between two output sizes, over the whole width."""

    y: float


class Words(NamedTuple):
    """A line of text."""

    text: str
    x: float
    y: float
    style: str
    align: Align = "start"


class Sample(NamedTuple):
    """A line of the legend: `kind` is `dashed`, `output`, a merge, or a sign of a diff."""

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


Part = Shape | SectionPanel | Rule | Words | Sample | ColorScale


class Drawing(NamedTuple):
    """A whole picture.

    Attributes:
        title: The names of the networks.
        says: A description for screen readers.
        parts: All that is drawn, in any order of kinds.
    """

    width: float
    height: float
    title: str
    says: str
    parts: tuple[Part, ...]

    def of(self, kind: type[T]) -> list[T]:
        """Return the parts of one kind, in their order."""
        return [part for part in self.parts if isinstance(part, kind)]
