"""The contents of a scope as data that can be compared: rows of steps, with numbers and names but
without shapes and places.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from resspec.ir.shape import Shape

Stride = tuple[int, int]


class Expr(NamedTuple):
    """A formula of the language.

    Attributes:
        text: As it is written.
        level: How tightly it binds: 0 a sum or condition, 1 a product, 2 an atom.
    """

    text: str
    level: int = 2

    def at(self, level: int) -> str:
        """Return the text where something that binds at least so tightly is expected."""
        return self.text if self.level >= level else f"({self.text})"


@dataclass(frozen=True)
class Call:
    """A layer, or a block.

    Attributes:
        kind: The word of the layer, or the class of the block.
        fields: The arguments by name, defaults included.
        stride: Its stride, None where it can have none.
        name: The layer's or module's name; None where nothing in it has parameters.
        block: The declaration that is called, if any.
    """

    kind: str
    fields: tuple[tuple[str, Any], ...]
    stride: Stride | None
    name: str | None
    block: Hashable = None


@dataclass(frozen=True)
class Module:
    """A module that may become a call or be written out."""

    body: Body
    name: str


@dataclass(frozen=True)
class Inline:
    """A module whose steps are written where it is, numbered."""

    row: Row
    name: str


@dataclass(frozen=True)
class Merge:
    """Paths that read the same input."""

    kind: str
    paths: tuple[Row, ...]


@dataclass(frozen=True)
class Times:
    """A repeat of steps, as they are the first time; strides apply only then."""

    count: int
    row: Row


Step = Call | Module | Inline | Merge | Times
Row = tuple[Step, ...]


@dataclass(eq=False)
class Body:
    """The contents of the modules of a class that are the same, for the same input.

    Attributes:
        kind: The name of the class in the language; empty where it is only a container.
        row: What it runs.
        input: The shape that enters.
        output: The shape that leaves.
        places: How many modules have it.
        written: Its row with calls of blocks, once they are known, and with its repeats.
        plain: The same without repeats.
    """

    kind: str
    row: Row
    input: Shape
    output: Shape
    places: int = 0
    written: Row = ()
    plain: Row = ()

    @property
    def stride(self) -> int:
        """How many times smaller its output is than its input."""
        if not (self.input.is_image and self.output.is_image):
            return 1
        (height, width), (h, w) = self.input.spatial, self.output.spatial
        return max(1, round(max(height / h, width / w)))


def walk(row: Row) -> Iterator[Step]:
    """Yield the steps of a row and all that is inside, in the order in which they run."""
    for step in row:
        yield step
        for inner in inside(step):
            yield from walk(inner)


def inside(step: Step) -> tuple[Row, ...]:
    """Return the rows directly inside a step of the same text."""
    match step:
        case Inline(row=row) | Times(row=row):
            return (row,)
        case Merge(paths=paths):
            return paths
        case _:
            return ()


def bodies(row: Row) -> Iterator[Body]:
    """Yield the bodies of the modules in a row."""
    for step in walk(row):
        if isinstance(step, Module):
            yield step.body
