"""Lowered but not yet named: what a scope's steps are called is only known when all of them stand there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resspec.ir.init import Init
from resspec.ir.nodes import Node
from resspec.ir.ops import Layer
from resspec.ir.shape import Shape
from resspec.source import Span

Factors = tuple[tuple[int, Span], ...]  # the repeats inside a draft, outermost first, along its largest part


@dataclass(eq=False)
class Leaf:
    """A layer. `key` is the kind it is named by; `implied` steps have no name."""

    layer: Layer
    key: str
    input: Shape
    output: Shape
    span: Span
    init: Init | None = None
    label: Span | None = None
    implied: bool = False
    size = 1
    factors: Factors = ()


@dataclass(eq=False)
class Inner:
    """A module with its own scope, which is named already."""

    body: Node
    key: str
    span: Span
    size: int
    factors: Factors
    block: str | None = None
    label: Span | None = None

    @property
    def input(self) -> Shape:
        return self.body.input

    @property
    def output(self) -> Shape:
        return self.body.output


@dataclass(eq=False)
class Row:
    steps: tuple[Draft, ...]
    input: Shape
    output: Shape
    span: Span
    size: int
    factors: Factors


@dataclass(eq=False)
class Fork:
    merge: Literal["add", "concat", "mul"]
    paths: tuple[Draft, ...]
    input: Shape
    output: Shape
    span: Span
    size: int
    factors: Factors
    residual: int | None = None
    inplace: bool | None = None


@dataclass(eq=False)
class Loop:
    count: int
    body: Draft
    span: Span
    size: int
    factors: Factors

    @property
    def input(self) -> Shape:
        return self.body.input

    @property
    def output(self) -> Shape:
        return self.body.output


@dataclass(eq=False)
class Run:
    """`label7..:` over a draft: its steps are numbered from there, in the surrounding scope."""

    label: Span
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
    def factors(self) -> Factors:
        return self.body.factors


Draft = Leaf | Inner | Row | Fork | Loop | Run


def row(steps: list[Draft], x: Shape, span: Span) -> Draft:
    """Steps in a row; a single one stands for itself."""
    if len(steps) == 1:
        return steps[0]
    largest = max(steps, key=lambda step: step.size, default=None)
    output = steps[-1].output if steps else x
    size = sum(step.size for step in steps)
    return Row(tuple(steps), x, output, span, size, largest.factors if largest else ())
