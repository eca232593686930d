"""What a `.res` file says, as plain data. It ends at the lowering; nothing here knows what a layer is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from resspec.source import Source, Span

# --- values ---


@dataclass(eq=False)
class Number:
    value: int | Fraction
    span: Span


@dataclass(eq=False)
class Size:
    """`3x3`, or an input's `3x224x224`."""

    dims: tuple[int, ...]
    span: Span


@dataclass(eq=False)
class Name:
    text: str
    span: Span


@dataclass(eq=False)
class Binary:
    operator: str  # + - * / //
    left: Value
    right: Value
    span: Span
    depth: int


@dataclass(eq=False)
class Negate:
    operand: Value
    span: Span
    depth: int


Value = Number | Size | Name | Binary | Negate

# --- chains ---


@dataclass(eq=False)
class Stride:
    """The argument `/value`."""

    value: Value
    span: Span


@dataclass(eq=False)
class Keyword:
    name: Name
    value: Value
    span: Span


Argument = Value | Stride | Keyword


@dataclass(eq=False)
class Call:
    name: Name
    arguments: list[Argument]
    span: Span


@dataclass(eq=False)
class Merge:
    """`add { path | path }`."""

    name: Name
    paths: list[Chain]
    span: Span


@dataclass(eq=False)
class Group:
    """A chain in bare braces."""

    chain: Chain
    span: Span


@dataclass(eq=False)
class Times:
    """`count x step`."""

    count: Value
    step: Step
    span: Span
    depth: int


@dataclass(eq=False)
class Step:
    label: Name | None
    item: Call | Merge | Group | Times
    span: Span


@dataclass(eq=False)
class Chain:
    steps: list[Step]
    span: Span


# --- clauses ---


@dataclass(eq=False)
class Part:
    """A chain with the word before it: preact, residual, after, stem, head, or none ("chain")."""

    kind: str
    chain: Chain
    span: Span


@dataclass(eq=False)
class Stage:
    label: Name
    chain: Chain
    span: Span


@dataclass(eq=False)
class Shortcut:
    """`shortcut [label:] [option]`, of a block or a network."""

    label: Name | None
    option: Name | None
    span: Span


@dataclass(eq=False)
class Input:
    value: Value
    span: Span


@dataclass(eq=False)
class Init:
    kind: Name | None
    law: Name
    arguments: list[Argument]
    span: Span


@dataclass(eq=False)
class Replace:
    kind: Name
    call: Call
    span: Span


@dataclass(eq=False)
class Expect:
    """`expect metric == low`, or `expect metric in low .. high`."""

    metric: Name
    arguments: list[Keyword]
    comparison: str
    low: Value
    high: Value | None
    span: Span


@dataclass(eq=False)
class Let:
    name: Name
    value: Value
    span: Span


Clause = Part | Stage | Shortcut | Input | Init | Replace | Expect | Let

# --- declarations ---


@dataclass(eq=False)
class Use:
    """A library by name, or a file beside this one."""

    target: Name
    is_file: bool
    span: Span


@dataclass(eq=False)
class Parameter:
    name: Name
    default: Value | None


@dataclass(eq=False)
class Block:
    """With braces a module of its own, with `=` an abbreviation."""

    name: Name
    parameters: list[Parameter]
    clauses: list[Clause]
    is_module: bool
    span: Span


@dataclass(eq=False)
class Arm:
    case: Name
    chain: Chain


@dataclass(eq=False)
class Option:
    """A shortcut option."""

    name: Name
    arms: list[Arm]
    span: Span


@dataclass(eq=False)
class Network:
    name: Name
    parameters: list[Parameter]
    clauses: list[Clause]
    span: Span


@dataclass(eq=False)
class Derived:
    """A network made from another by its parameters."""

    name: Name
    base: Name
    arguments: list[Argument]
    clauses: list[Clause]
    span: Span


Declaration = Use | Let | Block | Option | Network | Derived


@dataclass(eq=False)
class File:
    source: Source
    declarations: list[Declaration]
    comments: list[Span]
