"""The places of a column's elements: a series-parallel tree, laid out from the inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from resspec.backends.draw.elements import (
    Box,
    BoxRow,
    Branch,
    Element,
    OutputMark,
    Repeated,
    SidePath,
)
from resspec.backends.draw.measure import width
from resspec.backends.draw.shapes import Bracket, Join, PlacedBox, PlacedOutput, Shape, Wire

BOX, SLIM = 24.0, 16.0  # heights of a layer, and of a norm or an activation
GAP, CLOSE = 13.0, 4.0  # between layers; before a norm or an activation
FORK, LAND = 11.0, 9.0  # from where paths part to the first layer; from the last one to the circle
RADIUS = 6.5  # of the circle
LANE = 20.0  # between a path and the one at its side
BRACKET = 9.0
MARK = 6.0  # from the top of an output's mark to its arrow
REACH = 22.0  # from the middle line to an output's name
SMALL = 10.0  # the size of its letters, and of remarks


class Sketch(NamedTuple):
    """An element laid out around its middle line, which is at x = 0, from y = 0 downwards.

    Attributes:
        left: How far it reaches to the left of the line.
        right: How far it reaches to the right.
        lead: How far above its first layer it begins: paths part there.
    """

    height: float = 0.0
    left: float = 0.0
    right: float = 0.0
    shapes: Sequence[Shape] = ()
    lead: float = 0.0
    starts_with_box: bool = False

    def at(self, x: float, y: float) -> Iterator[Shape]:
        """Yield the shapes of the element at another place."""
        return (shape.moved(x, y) for shape in self.shapes)

    def link(self, top: float, y: float, x: float = 0.0) -> Iterator[Wire]:
        """Yield the line that leads down to the element at `y`."""
        if y > top:
            yield Wire(((x, top), (x, y)), arrow=self.starts_with_box and y - top > CLOSE)


def sketch(element: Element, half: float, column: int) -> Sketch:
    """Return an element laid out in a column; its boxes reach `half` a width to either side."""
    match element:
        case Box(quiet=quiet):
            height = SLIM if quiet else BOX
            box = PlacedBox(element, column, -half, 0.0, 2 * half, height)
            return Sketch(height, half, half, (box,), starts_with_box=True)
        case BoxRow(children=children):
            return _row(children, half, column)
        case Repeated(turns=turns, body=body):
            inside = sketch(body, half, column)
            left = inside.left + BRACKET
            bracket = Bracket(turns, -left, 0.0, inside.height)
            left += 6 + width(f"× {turns:,}", 11)
            return inside._replace(left=left, shapes=(*inside.shapes, bracket))
        case Branch():
            return _branch(element, half, column)
        case OutputMark(name=name):
            line = Wire(((0.0, 0.0), (0.0, MARK)))
            leaves = Wire(((0.0, MARK), (REACH - 4, MARK)), arrow=True)
            shapes = line, leaves, PlacedOutput(name, column, REACH, MARK)
            return Sketch(MARK, 0.0, REACH + width(name, SMALL), shapes)


def gap(before: Element, after: Element) -> float:
    """Return the gap between two neighbors; norms and activations are close to what they follow."""
    return CLOSE if isinstance(after, Box) and after.quiet and isinstance(before, Box) else GAP


def _row(children: Sequence[Element], half: float, column: int) -> Sketch:
    if not children:
        return Sketch()
    parts = [sketch(child, half, column) for child in children]
    shapes: list[Shape] = []
    y = 0.0
    for i, part in enumerate(parts):
        if i:
            bottom = y
            y += gap(children[i - 1], children[i])
            shapes += part.link(bottom, y)
        shapes += part.at(0.0, y)
        y += part.height
    left = max(part.left for part in parts)
    right = max(part.right for part in parts)
    return Sketch(y, left, right, shapes, parts[0].lead, parts[0].starts_with_box)


def _branch(branch: Branch, half: float, column: int) -> Sketch:
    main = sketch(branch.main, half, column)
    sides = [sketch(side.body, half, column) for side in branch.sides]
    rows = [part.height + 2 * GAP for part in sides if part.shapes]
    inner = max([main.height, BOX / 2, *rows])
    top = FORK + (inner - main.height) / 2
    meet = FORK + inner + LAND + RADIUS

    shapes: list[Shape] = [*main.link(0.0, top), *main.at(0.0, top)] if main.shapes else []
    start = top + main.height if main.shapes else 0.0
    shapes.append(Wire(((0.0, start), (0.0, meet - RADIUS)), arrow=True))
    right = main.right
    for side, part in zip(branch.sides, sides, strict=True):
        middle = max(right, RADIUS) + LANE + part.left
        right = middle + part.right
        shapes += _side(side, part, middle, meet, branch.sign)
    shapes.append(Join(branch, column, (0.0, meet)))
    return Sketch(meet + RADIUS, max(main.left, RADIUS), right, shapes, FORK)


def _side(side: SidePath, part: Sketch, x: float, meet: float, sign: str) -> Iterator[Shape]:
    """Yield a side path, whose middle line is at `x`, and what leads in and out."""
    wire = Wire((), arrow=True, dashed=side.changes, says=side.says, sign=sign)
    start, end = (0.0, 0.0), (RADIUS, meet)
    if not part.shapes:
        yield wire._replace(points=(start, (x, 0.0), (x, meet), end))
        return
    top = (meet - part.height) / 2
    yield wire._replace(points=(start, (x, 0.0), (x, top)), arrow=part.starts_with_box)
    yield from part.at(x, top)
    yield wire._replace(points=((x, top + part.height), (x, meet), end))
