"""The statements of a `.res` file as plain data. No layer is known here."""

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


class Identifier(NamedTuple):
    text: str
    span: Span


class BinaryExpr(NamedTuple):
    operator: str  # + - * / // or a comparison
    left: Value
    right: Value
    span: Span
    depth: int


class Negate(NamedTuple):
    operand: Value
    span: Span
    depth: int


class Choice(NamedTuple):
    """`value if condition else other`."""

    value: Value
    condition: Value
    other: Value
    span: Span
    depth: int


class Applied(NamedTuple):
    """`name(arguments)`: a function, or a block, layer or option with some arguments given."""

    name: Identifier
    arguments: list[Argument]
    span: Span
    depth: int


class ListExpr(NamedTuple):
    """`[value, value]`, an entry for each of several stages."""

    entries: list[Value]
    span: Span
    depth: int


Value = Number | Bytes | Size | Identifier | BinaryExpr | Negate | Choice | Applied | ListExpr

# --- chains ---


class Stride(NamedTuple):
    """The argument `/value`."""

    value: Value
    span: Span


class Keyword(NamedTuple):
    name: Identifier
    value: Value
    span: Span


Argument = Value | Stride | Keyword


def value_of(argument: Argument) -> Value:
    """Return the value of an argument, however it is given."""
    return argument.value if isinstance(argument, Stride | Keyword) else argument


def operands(value: Value) -> list[Value]:
    """Return the values that a value is computed from."""
    match value:
        case Negate(operand=operand):
            return [operand]
        case BinaryExpr(left=left, right=right):
            return [left, right]
        case Choice(value=chosen, condition=condition, other=other):
            return [chosen, condition, other]
        case Applied(arguments=arguments):
            return [value_of(argument) for argument in arguments]
        case ListExpr(entries=entries):
            return entries
        case _:
            return []


class LayerCall(NamedTuple):
    name: Identifier
    arguments: list[Argument]
    span: Span


class MergeCall(NamedTuple):
    """`add { path | path }`."""

    name: Identifier
    paths: list[Chain]
    span: Span


class Group(NamedTuple):
    """A chain in bare braces."""

    chain: Chain
    span: Span


class Sequential(NamedTuple):
    """`sequential { chain }`, a module whose steps are numbered."""

    chain: Chain
    span: Span


class RepeatedStep(NamedTuple):
    """`turns x step`."""

    turns: Value
    step: ChainStep
    span: Span
    depth: int


class ChainStep(NamedTuple):
    label: Identifier | None
    item: Item
    span: Span


Item = LayerCall | MergeCall | Group | Sequential | RepeatedStep


class Chain(NamedTuple):
    steps: list[ChainStep]
    span: Span


# --- clauses ---


class ChainClause(NamedTuple):
    """A chain with the word before it: preact, residual, after, stem, head, or none ("chain")."""

    kind: str
    chain: Chain
    span: Span


class Stage(NamedTuple):
    label: Identifier
    chain: Chain
    span: Span


class Stages(NamedTuple):
    """`stages label1..: chain`, a stage for each entry of the lists in the chain."""

    label: Identifier
    chain: Chain
    span: Span


class Shortcut(NamedTuple):
    """`shortcut [label:] [option]`, of a block or a network."""

    label: Identifier | None
    option: LayerCall | None
    span: Span


class Input(NamedTuple):
    """`input 3x224x224`, or `input 3, 224x224`: the channels, then the size."""

    value: Value
    size: Value | None
    span: Span


class OutputClause(NamedTuple):
    """The names of the steps whose values a network returns."""

    names: list[Identifier]
    span: Span


class InitClause(NamedTuple):
    kind: Identifier | None
    law: Identifier
    arguments: list[Argument]
    span: Span


class Replace(NamedTuple):
    kind: Identifier
    call: LayerCall
    span: Span


class Expect(NamedTuple):
    """`expect metric == low` or `expect metric in low .. high`; a budget omits `expect`."""

    metric: LayerCall
    comparison: str
    low: Value
    high: Value | None
    span: Span


class Let(NamedTuple):
    name: Identifier
    value: Value
    span: Span


class Broken(NamedTuple):
    """A clause or declaration with a syntax error.

    Attributes:
        word: The word of the language that it begins with, corrected if misspelled; may be empty.
        name: The name after the word, empty if there is none.
    """

    word: str
    name: Identifier
    span: Span


Clause = (
    ChainClause
    | Stage
    | Stages
    | Shortcut
    | Input
    | OutputClause
    | InitClause
    | Replace
    | Expect
    | Let
    | Broken
)

# --- declarations ---


class UseDecl(NamedTuple):
    """A library by name, or a file beside this one."""

    target: Identifier
    is_file: bool
    span: Span


class ParameterDecl(NamedTuple):
    name: Identifier
    default: Value | None


class Block(NamedTuple):
    """With braces a module of its own, with `=` an abbreviation."""

    name: Identifier
    parameters: list[ParameterDecl]
    clauses: list[Clause]
    is_module: bool
    span: Span


class Arm(NamedTuple):
    case: Identifier
    chain: Chain


class Option(NamedTuple):
    """A shortcut option."""

    name: Identifier
    parameters: list[ParameterDecl]
    arms: list[Arm]
    span: Span
    is_broken: bool = False  # some of its arms could not be read


class NetworkDecl(NamedTuple):
    name: Identifier
    parameters: list[ParameterDecl]
    clauses: list[Clause]
    span: Span


class Derived(NamedTuple):
    """A network made from another, by values for its parameters and by other clauses."""

    name: Identifier
    parameters: list[ParameterDecl]
    base: Identifier
    arguments: list[Argument]
    clauses: list[Clause]
    span: Span


Declaration = UseDecl | Let | Block | Option | NetworkDecl | Derived | Broken


class SpecFile(NamedTuple):
    source: Source
    declarations: list[Declaration]
    comments: list[Span]
