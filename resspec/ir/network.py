"""A network: its sections, each with a tree of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from resspec.displayed import Displayed
from resspec.ir.nodes import Located, Node
from resspec.ir.shape import Shape

SectionKind = Literal["stem", "stage", "head"]


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A part of the network as its author divides it; a stage has a label."""

    kind: SectionKind
    label: str
    located: Located
    span: str

    @property
    def body(self) -> Node:
        """The node that holds all of it."""
        return self.located.node

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Section):
            return NotImplemented
        return self._words == other._words and _same(self.located, other.located, set())

    def __hash__(self) -> int:
        return hash((self.body, self._words))

    @property
    def _words(self) -> tuple[str, ...]:
        return self.kind, self.label, self.span


def _same(a: Located, b: Located, known: set[tuple[Located, Located]]) -> bool:
    """Return whether equal nodes stand under equal names at equal places."""
    if a is b or (a, b) in known:
        return True
    known.add((a, b))
    if (a.node, a.name, a.span, a.block) != (b.node, b.name, b.span, b.block):
        return False
    return all(_same(x, y, known) for x, y in zip(a.parts, b.parts, strict=True))


@dataclass(frozen=True, slots=True)
class Network(Displayed):
    """A network, with every shape known. Printed, it is an indented tree, a line for each node.

    Attributes:
        name: The name in its spec.
        input: The shape of one sample, without the batch axis.
        output: The shape that leaves it for one sample.
        sections: Its stem, stages and head, in the order in which they run.
        span: The place of its declaration: `file:line:column-line:column`.
        outputs: The names of the steps whose values it returns, in the order in which they run;
            none where it returns what leaves it.
        declared: The declaration that it was lowered from, if any. Neither JSON nor `==` sees it.
    """

    name: str
    input: Shape
    output: Shape
    sections: tuple[Section, ...]
    span: str
    outputs: tuple[str, ...] = ()
    declared: object = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        from resspec.ir.text import node_lines

        yield f"network {self.name}: {self.input} -> {self.output}"
        for section in self.sections:
            yield f"  {section.kind} {section.label}"
            yield from (f"    {line}" for line in node_lines(section.located))
        if self.outputs:
            yield f"  output {' '.join(self.outputs)}"
