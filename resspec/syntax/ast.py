"""The statements of a `.res` file as plain data, which the lowering reads. No layer is known here."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from resspec.source import Source, Span

# --- values ---

MAX_DIGITS = 18  # of a number, before and after its point


class Number(NamedTuple):
    value: int | Fraction
    span: Span


class Bytes(NamedTuple):
    """A number with a unit, `3GB` or `24GiB`, in bytes."""

    value: int | Fraction
    span: Span


class Size(NamedTuple):
    """`3x3`, or an input's `3x224x224`."""

    dims: tuple[int, ...]
    span: Span


class Name(NamedTuple):
    text: str
    span: Span


class Binary(NamedTuple):
    operator: str  # + - * / //
    left: Value
    right: Value
    span: Span
    depth: int


class Negate(NamedTuple):
    operand: Value
    span: Span
    depth: int


Value = Number | Bytes | Size | Name | Binary | Negate

# --- chains ---


class Stride(NamedTuple):
    """The argument `/value`."""

    value: Value
    span: Span


class Keyword(NamedTuple):
    name: Name
    value: Value
    span: Span


Argument = Value | Stride | Keyword


class Call(NamedTuple):
    name: Name
    arguments: list[Argument]
    span: Span


class Merge(NamedTuple):
    """`add { path | path }`."""

    name: Name
    paths: list[Chain]
    span: Span


class Group(NamedTuple):
    """A chain in bare braces."""

    chain: Chain
    span: Span


class Times(NamedTuple):
    """`turns x step`."""

    turns: Value
    step: Step
    span: Span
    depth: int


class Step(NamedTuple):
    label: Name | None
    item: Call | Merge | Group | Times
    span: Span


class Chain(NamedTuple):
    steps: list[Step]
    span: Span


# --- clauses ---


class Part(NamedTuple):
    """A chain with the word before it: preact, residual, after, stem, head, or none ("chain")."""

    kind: str
    chain: Chain
    span: Span


class Stage(NamedTuple):
    label: Name
    chain: Chain
    span: Span


class Shortcut(NamedTuple):
    """`shortcut [label:] [option]`, of a block or a network."""

    label: Name | None
    option: Name | None
    span: Span


class Input(NamedTuple):
    value: Value
    span: Span


class Init(NamedTuple):
    kind: Name | None
    law: Name
    arguments: list[Argument]
    span: Span


class Replace(NamedTuple):
    kind: Name
    call: Call
    span: Span


class Expect(NamedTuple):
    """`expect metric == low`, or `expect metric in low .. high`; a budget omits the word `expect`."""

    metric: Call
    comparison: str
    low: Value
    high: Value | None
    span: Span


class Let(NamedTuple):
    name: Name
    value: Value
    span: Span


class Broken(NamedTuple):
    """A clause or declaration with a syntax error.

    Attributes:
        word: The word of the language that it begins with, corrected if misspelled; may be empty.
        name: The name after the word, empty if there is none.
    """

    word: str
    name: Name
    span: Span


Clause = Part | Stage | Shortcut | Input | Init | Replace | Expect | Let | Broken

# --- declarations ---


class Use(NamedTuple):
    """A library by name, or a file beside this one."""

    target: Name
    is_file: bool
    span: Span


class Parameter(NamedTuple):
    name: Name
    default: Value | None


class Block(NamedTuple):
    """With braces a module of its own, with `=` an abbreviation."""

    name: Name
    parameters: list[Parameter]
    clauses: list[Clause]
    is_module: bool
    span: Span


class Arm(NamedTuple):
    case: Name
    chain: Chain


class Option(NamedTuple):
    """A shortcut option."""

    name: Name
    arms: list[Arm]
    span: Span
    is_broken: bool = False  # some of its arms could not be read


class Network(NamedTuple):
    name: Name
    parameters: list[Parameter]
    clauses: list[Clause]
    span: Span


class Derived(NamedTuple):
    """A network made from another by its parameters."""

    name: Name
    base: Name
    arguments: list[Argument]
    clauses: list[Clause]
    span: Span


Declaration = Use | Let | Block | Option | Network | Derived | Broken


class File(NamedTuple):
    source: Source
    declarations: list[Declaration]
    comments: list[Span]
