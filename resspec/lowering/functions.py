"""The functions of numbers that a value may call, as Python and torchvision have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from resspec.diagnostics import Diagnostic
from resspec.lowering import argument_errors, name_errors
from resspec.suggest import alike
from resspec.syntax import ast

Number = int | Fraction


class Function(NamedTuple):
    """A function, how many numbers it takes, and how it is called."""

    compute: Callable[..., Number]
    least: int
    most: int | None  # None where there is no limit
    example: str


def divisible(number: Number, divisor: Number = 8) -> Number:
    """Return the nearest multiple, not below one divisor and not below 90% of the number.

    This is torchvision's `_make_divisible` and timm's `make_divisible`, which MobileNets use: they
    compute with floats, and so does this.
    """
    multiple = max(divisor, int(float(number) + divisor / 2) // divisor * divisor)
    return multiple + divisor if multiple < 0.9 * float(number) else multiple


FUNCTIONS = {
    "min": Function(min, 2, None, "`min(a, b)`"),
    "max": Function(max, 2, None, "`max(a, b)`"),
    "ceil": Function(ceil, 1, 1, "`ceil(a)`"),
    "floor": Function(floor, 1, 1, "`floor(a)`"),
    "round": Function(round, 1, 1, "`round(a)`"),
    "divisible": Function(divisible, 1, 2, "`divisible(a, 8)`"),
}
COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def mistake(node: ast.Applied) -> Diagnostic | None:
    """Return what is wrong with the arguments of a function."""
    name, given = node.name, node.arguments
    function = FUNCTIONS[name.text]
    for each in given:
        match each:
            case ast.Keyword(name=word):
                return argument_errors.unknown_argument(word.span, name.text, ())
            case ast.Stride(span=span):
                return argument_errors.unused_stride(span, name.text)
    if len(given) < function.least:
        needs = "numbers" if function.least > 1 else "number"
        return argument_errors.missing_argument(node.span, name.text, needs, function.example)
    if function.most is not None and len(given) > function.most:
        place = ast.value_of(given[function.most]).span
        return argument_errors.too_many_arguments(place, name.text, function.most, None)
    return None


def unknown(name: ast.Identifier, near: Sequence[str]) -> Diagnostic:
    """Return the error of an unknown name before arguments in parentheses."""
    from resspec.syntax.constructs import of_word

    near = alike(name.text, FUNCTIONS) or near
    mistake = name_errors.unknown_function(name.span, near, list(FUNCTIONS))
    return (None if near else of_word(name.span)) or mistake
