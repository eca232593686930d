"""Modules and what is done with them, as data that can be compared: between the IR, with its spans and shapes, and syntax.

A term is what an attribute of a module holds; a program is what a module's `forward` does. Shapes stand beside them for
comments, and do not count when two of them are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from resspec.ir.init import Init
from resspec.ir.ops import Layer
from resspec.ir.ops.layer import Ramp
from resspec.ir.shape import Name, Shape

Value = int | float | bool | str | tuple[int, ...] | Ramp
Path = tuple[Name, ...]


@dataclass(frozen=True)
class Leaf:
    """A layer: a class of torch.nn or of resspec/backends/layers.py, and its arguments by name. `init`: how it starts, where
    that is not torch's default. `free`: it leaves no trace in a state dict, so that it may be called anything."""

    module: str
    arguments: tuple[tuple[str, Value], ...]
    init: Init | None
    bias: bool
    free: bool
    layer: Layer = field(compare=False)


@dataclass(frozen=True)
class One:
    """A module under its name in a row; or several under theirs, where the term is a list of modules."""

    names: Path
    term: Term
    input: Shape = field(compare=False)
    output: Shape = field(compare=False)


@dataclass(frozen=True)
class Many:
    """The same items `count` times; their names grow."""

    count: int
    items: tuple[Item, ...]


Item = One | Many


@dataclass(frozen=True)
class Row:
    """Modules that run one after the other, in an nn.Sequential."""

    items: tuple[Item, ...]


@dataclass(frozen=True)
class Instance:
    """A module with a class of its own."""

    body: Body


Term = Leaf | Row | Instance


@dataclass(frozen=True)
class Apply:
    """Run a module. The path is its name, after those of the scopes that it shares with modules elsewhere."""

    path: Path
    term: Term
    source: int
    output: Shape = field(compare=False)


@dataclass(frozen=True)
class Flat:
    """Flatten all but the batch."""

    source: int
    output: Shape = field(compare=False)


@dataclass(frozen=True)
class Merge:
    """Several values to one, as `Parallel` in the IR does it."""

    kind: Literal["add", "concat", "mul"]
    sources: tuple[int, ...]
    residual: int | None
    inplace: bool
    dim: int
    output: Shape = field(compare=False)


@dataclass(frozen=True)
class Loop:
    """A program `count` times, each time on what it left before. The path is that of the scope that its modules share."""

    path: Path
    count: int
    body: Program
    source: int
    output: Shape = field(compare=False)


Statement = Apply | Flat | Merge | Loop


@dataclass(frozen=True)
class Program:
    """Statements in order. Value 0 is what enters, value k + 1 what statement k makes. `entered`: scopes that stand in
    several places, each with the statement before which it is first entered."""

    statements: tuple[Statement, ...]
    result: int
    entered: tuple[tuple[Path, int], ...] = ()


@dataclass(eq=False)
class Body:
    """A distinct body of the modules of one kind: what the declaration was called, and the channels in and out.

    Its form in the file: a class; or a function that returns modules in a row (the one thing that its program runs) as one
    module, or as a list of them."""

    kind: str
    program: Program
    channels: tuple[int, int]
    form: Literal["class", "row", "list"] = "class"


def sources(statement: Statement) -> tuple[int, ...]:
    """The values that a statement reads."""
    return statement.sources if isinstance(statement, Merge) else (statement.source,)


def instances(program: Program) -> Iterator[Body]:
    """The bodies of the modules that a program runs."""
    for statement in program.statements:
        match statement:
            case Apply(term=term):
                yield from _bodies(term)
            case Loop(body=body):
                yield from instances(body)
            case _:
                pass


def _bodies(term: Term | Item) -> Iterator[Body]:
    match term:
        case Instance(body=body):
            yield body
        case Row(items=items) | Many(items=items):
            for item in items:
                yield from _bodies(item)
        case One(term=inner):
            yield from _bodies(inner)
        case Leaf():
            pass
