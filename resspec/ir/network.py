"""A network: its sections, each with a tree of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from resspec.ir.nodes import Located, Location, Node
from resspec.ir.shape import Shape

SectionKind = Literal["stem", "stage", "head"]


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A part of the network as its author divides it; a stage has a label."""

    kind: SectionKind
    label: str
    body: Node
    at: Location
    span: str

    @property
    def located(self) -> Located:
        """The body where it stands."""
        return Located(self.body, self.at)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Section):
            return NotImplemented
        same = self.body is other.body and _same(self.at, other.at, set())
        return same and self._words == other._words

    def __hash__(self) -> int:
        return hash((self.body, self._words))

    @property
    def _words(self) -> tuple[str, ...]:
        return self.kind, self.label, self.span


def _same(a: Location, b: Location, known: set[tuple[Location, Location]]) -> bool:
    """Return whether two nodes stand under equal names at equal places."""
    if a is b or (a, b) in known:
        return True
    known.add((a, b))
    if (a.name, a.span, a.block, len(a.parts)) != (b.name, b.span, b.block, len(b.parts)):
        return False
    return all(_same(x, y, known) for x, y in zip(a.parts, b.parts, strict=True))


@dataclass(frozen=True, slots=True)
class Network:
    """A network, with every shape known. Printed, it is an indented tree, a line for each node.

    Attributes:
        name: The name in its spec.
        input: The shape of one sample, without the batch axis.
        output: The shape that leaves it for one sample.
        sections: Its stem, stages and head, in the order in which they run.
        span: The place of its declaration: `file:line:column-line:column`.
        declared: The declaration that it was lowered from, if any. Neither JSON nor `==` sees it.
    """

    name: str
    input: Shape
    output: Shape
    sections: tuple[Section, ...]
    span: str
    declared: object = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        from resspec.ir.text import node_lines

        yield f"network {self.name}: {self.input} -> {self.output}"
        for section in self.sections:
            yield f"  {section.kind} {section.label}"
            yield from (f"    {line}" for line in node_lines(section.located))
