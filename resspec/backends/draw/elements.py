"""The elements of a picture: boxes for layers, in rows, with branches and repeats.

Box(layer)   Row(children)   Branch(merge, main, sides)   Times(turns, body)
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


class Row(NamedTuple):
    """One after the other; of a block, by its name."""

    children: tuple[Element, ...]
    output: Shape
    block: str | None = None


class Side(NamedTuple):
    """A path beside the main one.

    Attributes:
        changes: Whether it is a shortcut that changes the shape.
        says: A description of it.
    """

    body: Row
    changes: bool
    says: str


class Branch(NamedTuple):
    """Paths that part and `merge`: the main one straight on, the others at its side."""

    merge: str
    main: Row
    sides: tuple[Side, ...]
    output: Shape
    entries: tuple[int, ...]
    times: int = 1
    sign: str = ""


class Times(NamedTuple):
    """The same so many times in a row."""

    turns: int
    body: Row
    output: Shape


Element = Box | Row | Branch | Times


def boxes(element: Element) -> Iterator[Box]:
    """All boxes in the order of the network."""
    match element:
        case Box():
            yield element
        case Row(children=children):
            for child in children:
                yield from boxes(child)
        case Times(body=body):
            yield from boxes(body)
        case Branch(main=main, sides=sides):
            yield from boxes(main)
            for side in sides:
                yield from boxes(side.body)
