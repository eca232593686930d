"""Lowered but not yet named: what a scope's steps are called is only known when all of them stand there."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from resspec.ir.init import Init
from resspec.ir.nodes import Node
from resspec.ir.ops import Layer
from resspec.ir.shape import Shape
from resspec.source import Span
from resspec.syntax import ast

Factors = tuple[
    tuple[int, Span], ...
]  # the repeats inside a draft, outermost first, along its largest part


@dataclass(eq=False, repr=False, slots=True)
class Leaf:
    """A layer. `key` is the kind it is named by; `implied` steps have no name."""

    layer: Layer
    key: str
    input: Shape
    output: Shape
    span: Span
    init: Init | None = None
    label: ast.Name | None = None
    implied: bool = False
    factors: Factors = ()
    size = 1  # layers when all repeats are written out
    weight = 1  # steps that will be named one by one


@dataclass(eq=False, repr=False, slots=True)
class Inner:
    """A module with its own scope, which is named already."""

    body: Node
    key: str
    span: Span
    size: int
    factors: Factors
    block: str | None = None
    label: ast.Name | None = None
    weight = 1

    @property
    def input(self) -> Shape:
        return self.body.input

    @property
    def output(self) -> Shape:
        return self.body.output


@dataclass(eq=False, repr=False, slots=True)
class Row:
    steps: tuple[Draft, ...]
    input: Shape
    output: Shape
    span: Span
    size: int
    weight: int
    factors: Factors


@dataclass(eq=False, repr=False, slots=True)
class Fork:
    merge: Literal["add", "concat", "mul"]
    paths: tuple[Draft, ...]
    input: Shape
    output: Shape
    span: Span
    size: int
    weight: int
    factors: Factors
    residual: int | None = None
    inplace: bool | None = None


@dataclass(eq=False, repr=False, slots=True)
class Loop:
    count: int
    body: Draft
    span: Span

    @property
    def size(self) -> int:
        return self.count * self.body.size

    @property
    def weight(self) -> int:
        return self.body.weight

    @property
    def factors(self) -> Factors:
        return ((self.count, self.span), *self.body.factors)

    @property
    def input(self) -> Shape:
        return self.body.input

    @property
    def output(self) -> Shape:
        return self.body.output


@dataclass(eq=False, repr=False, slots=True)
class Run:
    """`label7..:` over a draft: its steps are numbered from there, in the surrounding scope."""

    label: ast.Name
    body: Draft
    span: Span

    @property
    def input(self) -> Shape:
        return self.body.input

    @property
    def output(self) -> Shape:
        return self.body.output

    @property
    def size(self) -> int:
        return self.body.size

    @property
    def weight(self) -> int:
        return self.body.weight

    @property
    def factors(self) -> Factors:
        return self.body.factors


Draft = Leaf | Inner | Row | Fork | Loop | Run


class Called(NamedTuple):
    """A block whose body is being lowered: by which call, and for which arguments, input and stride."""

    block: ast.Block
    key: Hashable
    span: Span
    uncertain: int  # repeats of unknown count around the call


class Made(NamedTuple):
    """A block's body, lowered once for equal arguments and input."""

    draft: Draft | None
    stride_read: bool
    residuals: int


def row(steps: list[Draft], x: Shape, span: Span) -> Draft:
    """Steps in a row; a single one stands for itself."""
    if len(steps) == 1:
        return steps[0]
    return Row(tuple(steps), x, steps[-1].output if steps else x, span, *_extent(steps))


def empty(x: Shape, span: Span) -> Draft:
    """The path that does nothing."""
    return Row((), x, x, span, 0, 0, ())


def fork(
    merge: Literal["add", "concat", "mul"],
    paths: list[Draft],
    output: Shape,
    span: Span,
    residual: int | None = None,
    inplace: bool | None = None,
) -> Fork:
    size, weight, factors = _extent(paths)
    return Fork(
        merge,
        tuple(paths),
        paths[0].input,
        output,
        span,
        max(size, 1),
        weight,
        factors,
        residual,
        inplace,
    )


def _extent(parts: list[Draft]) -> tuple[int, int, Factors]:
    size = weight = 0
    largest: Draft | None = None
    for part in parts:
        size += part.size
        weight += part.weight
        if largest is None or part.size > largest.size:
            largest = part
    return size, weight, largest.factors if largest else ()
