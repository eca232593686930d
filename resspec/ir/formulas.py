"""Values and the formulas that they come from: `4 * width` beside its 256."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

ENTERING = "in"  # the variable that counts the channels that enter; no parameter can have its name
STRIDE = "stride"


@dataclass(frozen=True, slots=True)
class Variable:
    """A parameter or a constant of a block."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic on whole numbers, as Python does it, or a condition."""

    operator: str  # + - * // == != and or, and `each //` for both numbers of a size
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


def evaluate(formula: Any, values: Mapping[str, Any]) -> Any:
    """Return what a formula is for these values, or None where it is nothing."""
    match formula:
        case Variable(name):
            return values.get(name)
        case Binary("each //", left, int(divisor)):
            sizes = evaluate(left, values)
            return tuple([size // divisor for size in sizes]) if isinstance(sizes, tuple) else None
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
        case ("*", 1, formula) | ("*" | "//", formula, 1):
            return formula
        case "+" | "-", _, _:
            return _sum([*_terms(left, 1), *_terms(right, 1 if operator == "+" else -1)])
        case "//", Binary("*", int(factor), inner), int() if right and factor % right == 0:
            return binary("*", factor // right, inner)
        case "*", int(), Binary("*", int(factor), inner):
            return binary("*", left * factor, inner)
        case _:
            return Binary(operator, left, right)


def _terms(formula: Formula, sign: int) -> Iterator[tuple[int, Formula]]:
    """Yield the terms that a formula adds up, each with an integer coefficient."""
    match formula:
        case int():
            yield sign * formula, 1
        case Binary("+" | "-" as operator, left, right):
            yield from _terms(left, sign)
            yield from _terms(right, sign if operator == "+" else -sign)
        case Binary("*", int(factor), inner):
            yield sign * factor, inner
        case _:
            yield sign, formula


def _sum(terms: Iterable[tuple[int, Formula]]) -> Formula:
    """Return the sum of multiples, each term once: `a + 2 * b` for `a + b + b`."""
    factors: dict[Formula, int] = {}
    for factor, term in terms:
        factors[term] = factors.get(term, 0) + factor
    added = [binary("*", factor, term) for term, factor in factors.items() if factor > 0]
    taken = [binary("*", -factor, term) for term, factor in factors.items() if factor < 0]
    first, *others = added or [0]
    for part in others:
        first = Binary("+", first, part)
    for part in taken:
        first = Binary("-", first, part)
    return first


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
