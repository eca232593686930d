"""Nodes as the lowering makes them, beside each what is written there: names follow when a scope is
finished.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.nodes import Location, Merge, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.shape import Shape
from resspec.source import Span
from resspec.syntax import ast


class Written(NamedTuple):
    """What is written where a node comes from.

    Attributes:
        span: The place.
        parts: The same of the nodes directly inside; of a scope, whose contents are named already,
            their location.
        key: The kind that a layer or module is named by.
        label: The label of a layer or module.
        runs: The labels such as `conv0..:`, outermost first, from which the steps in a node count.
        implied: Whether the language implies the step, which then has no name.
        block: The block that a module was declared as.
        unnamed: The contents of a scope as they were written.
    """

    span: Span
    parts: tuple[Written | Location, ...] = ()
    key: str = ""
    label: ast.Identifier | None = None
    runs: tuple[ast.Identifier, ...] = ()
    implied: bool = False
    block: str | None = None
    unnamed: Part | None = None


class Part(NamedTuple):
    """A node and what is written there."""

    node: Node
    written: Written

    @property
    def span(self) -> Span:
        """The place it comes from."""
        return self.written.span

    @property
    def parts(self) -> list[Part]:
        """What is directly inside. What is in a scope has its names already, and is not written
        anew.
        """
        pairs = zip(self.node.parts, self.written.parts, strict=True)
        return [_part(Part, pair) for pair in pairs]


_part = tuple.__new__  # without the detour of a NamedTuple's own


class Called(NamedTuple):
    """A block whose body is being lowered: by which call, and for which arguments, input and
    stride.
    """

    block: ast.Block
    key: Hashable
    span: Span
    uncertain: int  # repeats of unknown count around the call


class Made(NamedTuple):
    """A block's body, lowered once for equal arguments and input."""

    part: Part | None
    stride_read: bool
    residuals: int


def row(steps: list[Part], x: Shape, span: Span) -> Part:
    """Return steps in a row, without rows in it; a single one is itself."""
    if len(steps) == 1:
        return steps[0]
    nodes: list[Node] = []
    written: list[Written | Location] = []
    for node, step in steps:
        if isinstance(node, Series) and not step.runs:
            nodes += node.children
            written += step.parts
        else:
            nodes.append(node)
            written.append(step)
    output = nodes[-1].output if nodes else x
    return Part(Series(x, output, tuple(nodes)), Written(span, tuple(written)))


def empty(x: Shape, span: Span) -> Part:
    """Return the path that does nothing."""
    return Part(Series(x, x, ()), Written(span))


def fork(
    merge: Merge,
    paths: list[Part],
    output: Shape,
    span: Span,
    residual: int | None = None,
    inplace: bool | None = None,
) -> Part:
    """Return paths that read the same input and are merged."""
    nodes = tuple([path.node for path in paths])
    node = Parallel(nodes[0].input, output, merge, nodes, residual, inplace)
    return Part(node, Written(span, tuple([path.written for path in paths])))


def repeat(count: int, body: Part, span: Span) -> Part:
    """Return a body so many times in a row."""
    x = body.node.input
    return Part(Repeat(x, body.node.output, count, body.node), Written(span, (body.written,)))


def factors(node: Node, written: Written) -> Iterator[tuple[int, Span]]:
    """Yield the repeats in a part along its largest path, outermost first, each with its count and
    place.
    """
    sizes: dict[Node, int] = {}
    while node.parts:
        if isinstance(node, Repeat):
            yield node.count, written.span
        i = max(range(len(node.parts)), key=lambda i: size(node.parts[i], sizes))
        inside = written.parts[i]
        if isinstance(inside, Written):
            node, written = node.parts[i], inside
        elif written.unnamed is not None:
            node, written = written.unnamed
        else:
            return


def size(node: Node, known: dict[Node, int]) -> int:
    """Return how many layers a part has when all repeats are written out."""
    return walk.fold(node, _size, known)


def _size(node: Node, parts: list[int]) -> int:
    match node:
        case Op():
            return 1
        case Series():
            return sum(parts)
        case Parallel():
            return max(sum(parts), 1)
        case Repeat(count=count):
            return count * parts[0]
        case Scope():
            return max(parts[0], 1)


def steps(node: Node, known: dict[Node, int]) -> int:
    """Return how many layers and modules of its scope a part has, a repeat's counted once."""
    if isinstance(node, Op | Scope):
        return 1
    if (found := known.get(node)) is None:
        found = known[node] = sum([steps(part, known) for part in node.parts])
    return found


def names(node: Node, known: dict[Node, int]) -> int:
    """Return how many names the scope around a part holds for it, repeats written out."""
    if isinstance(node, Op | Scope):
        return 1
    if (found := known.get(node)) is None:
        found = sum([names(part, known) for part in node.parts])
        found = known[node] = found * node.count if isinstance(node, Repeat) else found
    return found
