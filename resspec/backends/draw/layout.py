"""The places of a column's elements: a series-parallel tree, laid out from the inside."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, assert_never

from resspec.backends.draw.elements import Box, BoxRow, Branch, Element, Repeated, SidePath
from resspec.backends.draw.measure import width
from resspec.backends.draw.shapes import Bracket, Join, PlacedBox, Wire

BOX, SLIM = 24.0, 16.0  # heights of a layer, and of a norm or an activation
GAP, CLOSE = 13.0, 4.0  # between layers; before a norm or an activation
FORK, LAND = 11.0, 9.0  # from where paths part to the first layer; from the last one to the circle
RADIUS = 6.5  # of the circle
LANE = 20.0  # between a path and the one at its side
BRACKET = 9.0
Shape = PlacedBox | Wire | Join | Bracket


class Extent(NamedTuple):
    """Height, and how far to either side of its own middle line an element reaches."""

    height: float
    left: float
    right: float


class ElementLayout:
    """Of a column whose boxes are all so wide."""

    def __init__(self, width: float, column: int) -> None:
        self.half = width / 2
        self.column = column
        self._known: dict[int, Extent] = {}

    def extent(self, element: Element) -> Extent:
        """Return the size of an element; elements must outlive the layout."""
        if (found := self._known.get(id(element))) is None:
            found = self._known[id(element)] = self._extent(element)
        return found

    def place(self, element: Element, x: float, y: float) -> Iterator[Shape]:
        """Yield the shapes of an element whose middle line is at `x`, from `y` downwards."""
        match element:
            case Box():
                height = self.extent(element).height
                yield PlacedBox(element, self.column, x - self.half, y, 2 * self.half, height)
            case BoxRow(children=children):
                before: Element | None = None
                for child in children:
                    if before is not None:
                        y += gap(before, child)
                        yield from self.link(child, x, y - gap(before, child), y)
                    yield from self.place(child, x, y)
                    y += self.extent(child).height
                    before = child
            case Repeated(turns=turns, body=body):
                inside = self.extent(body)
                yield from self.place(body, x, y)
                yield Bracket(turns, x - inside.left - BRACKET, y, y + inside.height)
            case Branch():
                yield from self._place_branch(element, x, y)
            case _:
                assert_never(element)

    def link(self, to: Element, x: float, top: float, y: float) -> Iterator[Wire]:
        """Yield the line that leads down to an element."""
        if y > top:
            yield Wire(((x, top), (x, y)), arrow=_starts_with_box(to) and y - top > CLOSE)

    def _extent(self, element: Element) -> Extent:
        match element:
            case Box(quiet=quiet):
                return Extent(SLIM if quiet else BOX, self.half, self.half)
            case BoxRow(children=()):
                return Extent(0.0, 0.0, 0.0)
            case BoxRow(children=children):
                extents = [self.extent(child) for child in children]
                gaps = sum(gap(a, b) for a, b in pairwise(children))
                return Extent(sum(one.height for one in extents) + gaps, *_widest(extents))
            case Repeated(turns=turns, body=body):
                inside = self.extent(body)
                return inside._replace(left=inside.left + BRACKET + 6 + width(f"× {turns:,}", 11))
            case Branch(main=main, sides=sides):
                inside = self.extent(main)
                right = inside.right
                for side in sides:
                    right = self._lane(side, right)[1]
                return Extent(
                    FORK + self._inner(element) + LAND + 2 * RADIUS, max(inside.left, RADIUS), right
                )
            case _:
                assert_never(element)

    def _inner(self, branch: Branch) -> float:
        """Return the height between where the paths part and where they meet."""
        rows = [self.extent(side.body).height for side in branch.sides if side.body.children]
        return max(
            self.extent(branch.main).height, BOX / 2, *(2 * GAP + height for height in rows), 0.0
        )

    def _lane(self, side: SidePath, right: float) -> tuple[float, float]:
        """Return the middle line of a side path right of `right`, and how far it reaches itself."""
        extent = self.extent(side.body)
        middle = max(right, RADIUS) + LANE + extent.left
        return middle, middle + extent.right

    def _place_branch(self, branch: Branch, x: float, y: float) -> Iterator[Shape]:
        main, inner = self.extent(branch.main), self._inner(branch)
        top, meet = y + FORK, y + FORK + inner + LAND + RADIUS
        start = top + (inner - main.height) / 2
        if branch.main.children:
            yield from self.link(branch.main, x, y, start)
            yield from self.place(branch.main, x, start)
        yield Wire(
            ((x, start + main.height if branch.main.children else y), (x, meet - RADIUS)),
            arrow=True,
        )
        right = main.right
        for side in branch.sides:
            middle, right = self._lane(side, right)
            yield from self._place_side(side, (x, y), (x + RADIUS, meet), x + middle, branch.sign)
        yield Join(branch, self.column, (x, meet))

    def _place_side(
        self,
        side: SidePath,
        start: tuple[float, float],
        end: tuple[float, float],
        x: float,
        sign: str,
    ) -> Iterator[Shape]:
        if not side.body.children:
            points = (start, (x, start[1]), (x, end[1]), end)
            yield Wire(points, arrow=True, dashed=side.changes, says=side.says, sign=sign)
            return
        height = self.extent(side.body).height
        top = (start[1] + end[1] - height) / 2
        into = ((start), (x, start[1]), (x, top))
        yield Wire(
            into, arrow=_starts_with_box(side.body), dashed=side.changes, says=side.says, sign=sign
        )
        yield from self.place(side.body, x, top)
        out = ((x, top + height), (x, end[1]), end)
        yield Wire(out, arrow=True, dashed=side.changes, says=side.says, sign=sign)


def gap(before: Element, after: Element) -> float:
    """Return the gap between two neighbors; norms and activations are close to what they follow."""
    return CLOSE if isinstance(after, Box) and after.quiet and isinstance(before, Box) else GAP


def lead(element: Element) -> float:
    """Return how far above its first layer an element begins: paths part there."""
    match element:
        case Branch():
            return FORK
        case BoxRow(children=(first, *_)):
            return lead(first)
        case Repeated(body=body):
            return lead(body)
        case _:
            return 0.0


def _starts_with_box(element: Element) -> bool:
    match element:
        case Box():
            return True
        case BoxRow(children=children):
            return bool(children) and _starts_with_box(children[0])
        case Repeated(body=body):
            return _starts_with_box(body)
        case Branch():
            return False
        case _:
            assert_never(element)


def _widest(extents: list[Extent]) -> tuple[float, float]:
    return max(one.left for one in extents), max(one.right for one in extents)
