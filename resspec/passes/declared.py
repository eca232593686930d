"""The calls that a declaration makes, by the layers and modules that they became."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from resspec.ir.formulas import FormulaValue
from resspec.passes.call_levels import UNKNOWN, CallLevel


class DeclaredLayer(NamedTuple):
    """A call's fields of a layer: its fields, and the channels that enter, in the variables of its
    level.
    """

    level: CallLevel
    fields: Mapping[str, FormulaValue]
    entering: FormulaValue


class DeclaredModule(NamedTuple):
    """A call of a block with a module of its own."""

    level: CallLevel
    template: DeclaredBody
    arguments: Mapping[str, FormulaValue]


class AbbreviationSpan(NamedTuple):
    """The layers from `first` up to `last` are those of an abbreviation."""

    first: int
    last: int
    level: CallLevel


@dataclass(eq=False)
class DeclaredBody:
    """The calls that a declaration makes in a scope's body. Layers and modules are numbered in
    order, those in repeats once.
    """

    level: CallLevel
    leaving: FormulaValue = UNKNOWN
    calls: dict[int, DeclaredLayer | DeclaredModule] = field(default_factory=dict)
    splices: list[AbbreviationSpan] = field(default_factory=list)
    # what stands there in some arms of the shortcut option alone
    optional: set[int] = field(default_factory=set)
