"""What names mean in a declaration: values, and the formulas that give them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from resspec.ir.formulas import (
    ENTERING,
    Known,
    Variable,
    binary,
    constant,
    plain,
    substitute,
    variables,
)
from resspec.diagnostics import Diagnostic
from resspec.ir.ops import OPS
from resspec.lowering.scope import Library, find_one
from resspec.lowering.values import BlockRef, OptionRef
from resspec.syntax import ast

UNKNOWN = Known(None, None)  # what depends on `index` or `count`


class Mismatch(Exception):
    """The declaration does not say what stands in the tree."""


def ignore(diagnostic: Diagnostic) -> None:
    """Report nothing: what was lowered has no mistakes."""
    raise Mismatch(diagnostic.message)


@dataclass(eq=False)
class Level:
    """A call of a block, or the network: its variables' values, and what they are in the variables of the caller."""

    name: str = ""
    caller: Level | None = None
    arguments: dict[str, Known] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    lets: dict[str, Known] = field(default_factory=dict)
    names: tuple[str, ...] = ()  # of its parameters, as they are declared
    defaults: dict[str, Known] = field(default_factory=dict)
    bare: frozenset[str] = frozenset()  # arguments that are given by position
    fixed: set[str] = field(default_factory=set)  # variables that decide about more than numbers
    arm: str = ""  # of the shortcut option: same, widen or change
    widens: bool = False  # whether the option has an arm for `widen`
    leaving: Known = UNKNOWN  # the channels of the residual, which the option looks at
    varying: dict[str, Any] = field(
        default_factory=dict
    )  # variables for what depends on the place of the block

    @property
    def entering(self) -> Known:
        return self.variable(ENTERING) if ENTERING in self.arguments else UNKNOWN

    def expanded(self, formula: Any) -> Any:
        """Return the formula with those of the body's constants in their places."""
        lets = self.lets
        return substitute(
            formula,
            lambda name: self.expanded(lets[name].formula) if name in lets else Variable(name),
        )

    def copy(self) -> Level:
        """Return the level for another body of the same declaration."""
        return replace(self, values={**self.values}, varying={})

    def variable(self, name: str) -> Known:
        """Return an argument as the block's own body knows it."""
        value = self.arguments[name].value
        if value is None or isinstance(value, BlockRef | OptionRef):
            return self.arguments[name]
        self.values[name] = plain(value)
        return Known(value, Variable(name))

    def fix(self, formula: Any) -> None:
        """Note that the tree would be another for other values of the formula's variables."""
        for name in variables(formula):
            if name in self.lets:
                self.fix(self.lets[name].formula)
            elif name not in self.fixed:
                self.fixed.add(name)
                if self.caller is not None:
                    self.caller.fix(self.arguments[name].formula)

    def outside(self, known: Known) -> Known:
        """Return what is known here in the variables of the caller."""
        return Known(known.value, substitute(known.formula, self._meaning))

    def _meaning(self, name: str) -> Any:
        if name in self.lets:
            return self.outside(self.lets[name]).formula
        return plain(self.arguments[name].formula)


@dataclass(eq=False)
class Env:
    """The names at a place in a body."""

    level: Level
    library: Library | None
    names: dict[str, Known] = field(default_factory=dict)
    lets: dict[str, ast.Let] = field(default_factory=dict)
    x: Known = UNKNOWN
    stride: Known = UNKNOWN
    out: Known = UNKNOWN

    def define(self, clauses: Iterable[ast.Clause]) -> None:
        """Note the constants of a body."""
        self.lets = {clause.name.text: clause for clause in clauses if isinstance(clause, ast.Let)}

    def known(self, node: ast.Value) -> Known:
        """Return the value of an expression with its formula."""
        match node:
            case ast.Number(value=value):
                return constant(value)
            case ast.Size(dims=dims):
                return constant(dims)
            case ast.Identifier():
                return self._lookup(node.text, node)
            case ast.Negate(operand=operand):
                return _arithmetic("-", constant(0), self.known(operand))
            case ast.BinaryExpr(operator=operator):
                return _arithmetic(operator, self.known(node.left), self.known(node.right))
            case _:
                raise Mismatch

    def _lookup(self, word: str, node: ast.Identifier) -> Known:
        if word in self.names:
            return self.names[word]
        match word:
            case "true" | "false":
                return constant(word == "true")
            case "in":
                return self.x
            case "stride":
                return self.stride
            case "out":
                return self.out
            case "index" | "count":
                return UNKNOWN
        if word in self.lets:
            known = self.names[word] = self._own_constant(word, self.known(self.lets[word].value))
            return known
        assert self.library is not None
        match find_one(self.library, node, ignore, ast.Let, ast.Block, ast.Option):
            case (ast.Let() as let, library):
                return constant(Env(Level(), library).known(let.value).value)
            case (ast.Block() as block, library):
                return constant(BlockRef(word, block, library))
            case (ast.Option() as option, library):
                return constant(OptionRef(word, option, library))
        if word == "none":
            return constant(OptionRef("none", None, None))
        if word in OPS:
            return constant(BlockRef(word, None, None))
        raise Mismatch

    def _own_constant(self, word: str, known: Known) -> Known:
        """A constant of a block that is computed of its parameters is a variable, too."""
        if known.is_constant:
            return known
        self.level.lets[word] = known
        self.level.values[word] = plain(known.value)
        return Known(known.value, Variable(word))


def _arithmetic(operator: str, a: Known, b: Known) -> Known:
    """Exact, as the language has it; a formula is kept where whole numbers stay whole."""
    if a.value is None or b.value is None:
        return UNKNOWN
    x, y = Fraction(a.value), Fraction(b.value)
    match operator:
        case "/":
            value = x / y
        case "//":
            value = Fraction(x // y)
        case _:
            value = {"+": x + y, "-": x - y, "*": x * y}[operator]
    if value.denominator > 1 or (a.is_constant and b.is_constant):
        return constant(int(value) if value.denominator == 1 else value)
    return Known(
        int(value), binary(operator.replace("/", "//").replace("////", "//"), a.formula, b.formula)
    )
