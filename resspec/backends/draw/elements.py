"""The elements of a picture: boxes for layers, in rows, with branches and repeats.

Box(layer)   BoxRow(children)   Branch(merge, main, sides)   Repeated(turns, body)
OutputMark(name)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from resspec.ir.shape import Shape


class Box(NamedTuple):
    """A layer, or `times` equal ones.

    Attributes:
        names: Of all where they are written out, else one with ranges.
        entries: The entries of the network's ledger that it represents.
        sign: In a diff `+`, `-` or `~`; else empty.
    """

    label: str
    kind: str
    names: tuple[str, ...]
    output: Shape
    entries: tuple[int, ...]
    times: int = 1
    quiet: bool = False
    sign: str = ""


class BoxRow(NamedTuple):
    """One after the other; of a block, by its name."""

    children: tuple[Element, ...]
    output: Shape
    block: str | None = None


class SidePath(NamedTuple):
    """A path beside the main one.

    Attributes:
        changes: Whether it is a shortcut that changes the shape.
        says: A description of it.
    """

    body: BoxRow
    changes: bool
    says: str


class Branch(NamedTuple):
    """Paths that part and `merge`: the main one straight on, the others at its side."""

    merge: str
    main: BoxRow
    sides: tuple[SidePath, ...]
    output: Shape
    entries: tuple[int, ...]
    times: int = 1
    sign: str = ""


class Repeated(NamedTuple):
    """The same so many times in a row."""

    turns: int
    body: BoxRow
    output: Shape


class OutputMark(NamedTuple):
    """A point whose value the network returns by this name."""

    name: str
    output: Shape


Element = Box | BoxRow | Branch | Repeated | OutputMark


def boxes(element: Element) -> Iterator[Box]:
    """Yield all boxes in the order of the network."""
    match element:
        case Box():
            yield element
            return
        case OutputMark():
            return
        case BoxRow(children=children):
            parts = children
        case Repeated(body=body):
            parts = (body,)
        case Branch(main=main, sides=sides):
            parts = (main, *(side.body for side in sides))
    for part in parts:
        yield from boxes(part)
