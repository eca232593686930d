"""Modules as data that can be compared, between the IR and Python's syntax.

Two terms are equal where they are one but for their numbers; `knowns` yields these, always in the
same order. Shapes stand beside them for comments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from resspec.ir.formulas import FormulaValue
from resspec.passes.call_levels import UNKNOWN, CallLevel
from resspec.ir.init import Init
from resspec.ir.ops import Layer
from resspec.ir.shape import Shape
from resspec.passes.schedule import ApplyStatement, LoopStatement, Path, Schedule


@dataclass(frozen=True)
class LayerArgument:
    """An argument of torch's constructor. Where it `is_default` and a constant, it is not
    written.
    """

    name: str
    by_position: bool
    is_default: bool = field(compare=False)
    known: FormulaValue = field(compare=False)


@dataclass(frozen=True)
class TorchLayer:
    """A layer: a class of torch.nn or of resspec/backends/layers.py, and its arguments.
    `init`: its initialization, where that is not torch's default. `free`: it leaves no trace in a
    state dict, so that it may have any name. `operand`: how the parameter is applied, for a layer
    that is only a parameter.
    """

    module: str
    arguments: tuple[LayerArgument, ...]
    init: Init
    bias: bool
    free: bool
    layer: Layer = field(compare=False)
    operand: ParameterOperand | None = None


class ParameterOperand(NamedTuple):
    """A parameter of the module itself: how it is applied, the field `shape`, and whether it is
    viewed with two more axes.
    """

    operator: str
    shape: str
    is_viewed: bool


@dataclass(frozen=True)
class RowModule:
    """A module under its name in a row; or several under theirs, those of the row of a function."""

    names: Path
    term: Term
    output: Shape = field(compare=False)
    is_spread: bool = False


@dataclass(frozen=True)
class RowRepeat:
    """The same items several times; their names grow."""

    count: int
    items: tuple[RowItem, ...]

    @property
    def output(self) -> Shape:
        """The shape after it."""
        return self.items[-1].output


RowItem = RowModule | RowRepeat


@dataclass(frozen=True)
class SequentialRow:
    """Modules that run one after the other, in an nn.Sequential."""

    items: tuple[RowItem, ...]


@dataclass(frozen=True, eq=False)
class ModuleCall:
    """A module of a class, or a row that a function makes; equal where class or function are the
    same.
    """

    body: ModuleBody
    arguments: dict[str, FormulaValue]
    bare: frozenset[str]  # arguments that are given by position

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModuleCall) and self.body.family is other.body.family

    def __hash__(self) -> int:
        return hash(id(self.body.family))


Term = TorchLayer | SequentialRow | ModuleCall


@dataclass(eq=False)
class ModuleBody:
    """The contents of a module. `kind`: what its declaration is called; `is_row`: a function makes
    it, of the one row that the program runs; `used`: the variables that bodies of this kind are
    computed from.
    """

    kind: str
    program: Schedule
    level: CallLevel
    channels: tuple[FormulaValue, FormulaValue]
    used: dict[str, None]
    is_row: bool = False
    optional: frozenset[int] = (
        frozenset()
    )  # the numbers of what only some arms of the shortcut option have
    family: object = None  # the class or function, once it is known


def leaves(what: Schedule | Term | RowItem | None) -> Iterator[TorchLayer | ModuleCall]:
    """Yield the layers, the modules of classes and the rows of functions in it."""
    match what:
        case TorchLayer() | ModuleCall():
            yield what
        case RowModule(term=term):
            yield from leaves(term)
        case SequentialRow(items=items) | RowRepeat(items=items):
            for item in items:
                yield from leaves(item)
        case Schedule(statements=statements):
            for statement in statements:
                match statement:
                    case ApplyStatement(what=inner) | LoopStatement(body=inner):
                        yield from leaves(inner)


def knowns(what: Schedule | Term | None) -> Iterator[FormulaValue]:
    """Yield the numbers of a program or a term."""
    for leaf in leaves(what):
        match leaf:
            case TorchLayer(arguments=given):
                yield from (argument.known for argument in given)
            case ModuleCall(body=body, arguments=arguments):
                for name in body.used:
                    yield arguments.get(name, UNKNOWN)
