"""Nodes as the lowering makes them, with what is written there: names follow when a scope is
finished.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from resspec.ir import walk
from resspec.ir.nodes import Located, Merge, Node, Op, Parallel, Repeat, Scope, Series, read_only
from resspec.ir.shape import Shape
from resspec.source import Span
from resspec.syntax import ast


@read_only
class Draft(Located):
    """A node in a scope that is not finished. Its parts are drafts, too; what is in a scope of its
    own has its names already.

    Attributes:
        place: Where it is written.
        key: The kind that a layer or module is named by.
        label: The label of a layer or module.
        runs: The labels such as `conv0..:`, outermost first, from which the steps in a node count.
        implied: Whether the language implies the step, which then has no name.
        unnamed: The contents of a scope as they were written.
        is_call: Whether it is one call, of which a label names the layer or module.
    """

    place: Span = None  # type: ignore[assignment]  # always given; the fields before have defaults
    key: str = ""
    label: ast.Identifier | None = None
    runs: tuple[ast.Identifier, ...] = ()
    implied: bool = False
    unnamed: Draft | None = None
    is_call: bool = False


class OpenBlock(NamedTuple):
    """A block whose body is being lowered: by which call, and for which arguments, input and
    stride.
    """

    block: ast.Block
    key: Hashable
    span: Span
    uncertain: int  # repeats of unknown count around the call


class Made(NamedTuple):
    """A block's body, lowered once for equal arguments and input."""

    part: Draft | None
    stride_read: bool
    residuals: int


def draft(node: Node, place: Span, parts: tuple[Located, ...] = ()) -> Draft:
    """Return a node where it is written."""
    return Draft(node, str(place), parts, None, None, place)


def drafts(part: Draft) -> tuple[Draft, ...]:
    """Return what is directly inside a part that is no scope."""
    parts: Any = part.parts
    return parts  # type: ignore[no-any-return]


def row(steps: list[Draft], x: Shape, place: Span) -> Draft:
    """Return steps in a row, without rows in it; a single one is itself."""
    if len(steps) == 1:
        return steps[0]
    parts: list[Located] = []
    for step in steps:
        if isinstance(step.node, Series) and not step.runs:
            parts += step.parts
        else:
            parts.append(step)
    output = parts[-1].node.output if parts else x
    return draft(Series(x, output, walk.nodes_of(parts)), place, tuple(parts))


def flattened(flatten: Draft, step: Draft, place: Span) -> Draft:
    """Return one call after the flattening that the language implies before it."""
    return replace(row([flatten, step], flatten.node.input, place), is_call=True)


def fork(
    merge: Merge,
    paths: list[Draft],
    output: Shape,
    place: Span,
    residual: int | None = None,
    inplace: bool | None = None,
) -> Draft:
    """Return paths that read the same input and are merged."""
    nodes = walk.nodes_of(paths)
    node = Parallel(nodes[0].input, output, merge, nodes, residual, inplace)
    return draft(node, place, tuple(paths))


def repeat(count: int, body: Draft, place: Span) -> Draft:
    """Return a body so many times in a row."""
    node = Repeat(body.node.input, body.node.output, count, body.node)
    return draft(node, place, (body,))


def as_several(part: Draft | None) -> Draft | None:
    """Return a part that a label opens a scope for, though it may be one call."""
    return replace(part, is_call=False) if part and part.is_call else part


def labeled(label: ast.Identifier, part: Draft) -> Draft | None:
    """Return one call under its label; None of anything else, and of what has a label already. A
    flattening that the language implies has none.
    """
    if not part.is_call or part.runs:
        return None
    if isinstance(part.node, Series):
        *implied, last = drafts(part)
        return None if last.label else replace(part, parts=(*implied, replace(last, label=label)))
    return None if part.label else replace(part, label=label)


def factors(part: Draft) -> Iterator[tuple[int, Span]]:
    """Yield the repeats in a part along its largest path, outermost first, each with its count and
    place.
    """
    sizes: dict[Node, int] = {}
    largest: Located | None = part
    while isinstance(largest, Draft) and largest.parts:
        if isinstance(largest.node, Repeat):
            yield largest.node.count, largest.place
        if isinstance(largest.node, Scope):
            largest = largest.unnamed
        else:
            largest = max(largest.parts, key=lambda inside: size(inside.node, sizes))


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
