"""Values and the formulas that they come from: `4 * width` beside its 256."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from resspec.ir.ops.layer import short

ENTERING = "in"  # the variable that counts the channels that enter; no parameter can have its name
STRIDE = "stride"


@dataclass(frozen=True, slots=True)
class Variable:
    """A parameter or a constant of a block."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic on whole numbers, as Python does it, or a condition."""

    operator: str  # + - * // == != and or
    left: Formula
    right: Formula


Formula = int | Variable | Binary


class FormulaValue(NamedTuple):
    """A value, and the formula that gives it; a constant is its own formula."""

    value: Any
    formula: Any

    @property
    def is_constant(self) -> bool:
        return not isinstance(self.formula, Variable | Binary)

    def plus(self, other: FormulaValue) -> FormulaValue:
        """Return the sum of two whole numbers."""
        return FormulaValue(self.value + other.value, binary("+", self.formula, other.formula))


def constant(value: Any) -> FormulaValue:
    return FormulaValue(value, value)


def plain(value: Any) -> Any:
    """A value as Python code has it: square sizes as one number, exact numbers as floats."""
    match value:
        case (int(), int()):
            return short(value)
        case Fraction():
            return float(value)
        case _:
            return value


def evaluate(formula: Any, values: Mapping[str, Any]) -> Any:
    """Return what a formula is for these values, or None where it is nothing."""
    match formula:
        case Variable(name):
            return values.get(name)
        case Binary(operator, left, right):
            a, b = evaluate(left, values), evaluate(right, values)
            if operator in _CONDITIONS:
                return _CONDITIONS[operator](a, b)
            if type(a) is not int or type(b) is not int or (operator == "//" and b == 0):
                return None
            return calculate(operator, a, b)
        case _:
            return formula


_CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
}


def calculate(operator: str, a: int, b: int) -> int:
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case _:
            return a // b


def binary(operator: str, left: Formula, right: Formula) -> Formula:
    """Return the formula of an operation, without what changes nothing."""
    match operator, left, right:
        case _, int(), int() if operator != "//" or right:
            return calculate(operator, left, right)
        case "*", 0, _:
            return 0
        case ("*", 1, formula) | ("*" | "//", formula, 1) | ("+", 0, formula):
            return formula
        case "+" | "-", formula, 0:
            return formula
        case "//", Binary("*", int(factor), inner), int() if right and factor % right == 0:
            return binary("*", factor // right, inner)
        case "*", int(), Binary("*", int(factor), inner):
            return binary("*", left * factor, inner)
        case "+", _, _ if (a := _factor(left))[1] == (b := _factor(right))[1]:
            return binary("*", a[0] + b[0], a[1])
        case _:
            return Binary(operator, left, right)


def _factor(formula: Formula) -> tuple[int, Formula]:
    match formula:
        case Binary("*", int(factor), inner):
            return factor, inner
        case _:
            return 1, formula


def substitute(formula: Any, meaning: Callable[[str], Any]) -> Any:
    """Return the formula with what its variables mean in their places."""
    match formula:
        case Variable(name):
            return meaning(name)
        case Binary(operator, left, right):
            return binary(operator, substitute(left, meaning), substitute(right, meaning))
        case _:
            return formula


def variables(formula: Any) -> Iterator[str]:
    """Yield the names of a formula's variables."""
    match formula:
        case Variable(name):
            yield name
        case Binary(_, left, right):
            yield from variables(left)
            yield from variables(right)
