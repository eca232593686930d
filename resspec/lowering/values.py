"""Values, and the evaluation of expressions. Arithmetic is exact."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from resspec.diagnostics import Reporter
from resspec.lowering import argument_errors
from resspec.lowering.scope import Library
from resspec.syntax import ast

MAX_NUMBER = 10**ast.MAX_DIGITS


class _Reference:
    """A declaration handed over as a value: equal where it is the same declaration."""

    def __init__(
        self, name: str, library: Library | None, declaration: ast.Block | ast.Option | None
    ) -> None:
        self.name = name
        self.library = library
        self._key = (name, declaration and declaration.name.span)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reference) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


class BlockRef(_Reference):
    """A block, or a layer kind where `block` is None."""

    def __init__(self, name: str, block: ast.Block | None, library: Library | None) -> None:
        super().__init__(name, library, block)
        self.block = block


class OptionRef(_Reference):
    """A shortcut option; `option` None is the built-in `identity` or `none`."""

    def __init__(self, name: str, option: ast.Option | None, library: Library | None) -> None:
        super().__init__(name, library, option)
        self.option = option


class Unknown:
    """The value of what was wrong already: it silences what follows from it."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()
Number = int | Fraction
Value = Number | bool | tuple[int, ...] | BlockRef | OptionRef | Unknown


def describe(value: Value) -> str:
    """A value in an author's words."""
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return f"the size {'x'.join(map(str, value))}"
        case BlockRef(name=name):
            return f"the block `{name}`" if value.block else f"the layer `{name}`"
        case OptionRef(name=name):
            return f"the shortcut option `{name}`"
        case _:
            return f"{value}"


def evaluate(node: ast.Value, lookup: Callable[[ast.Identifier], Value], report: Reporter) -> Value:
    """The value of an expression; UNKNOWN once something in it was reported."""
    match node:
        case ast.Number(value=value):
            return value
        case ast.Bytes():
            message = "an amount of bytes is only allowed where `expect` compares bytes"
            report(argument_errors.misplaced_bytes(node.span, message))
            return UNKNOWN
        case ast.Size(dims=dims):
            return dims
        case ast.Identifier():
            return lookup(node)
        case ast.Negate(operand=operand):
            number = _number(evaluate(operand, lookup, report), operand, report)
            return UNKNOWN if number is None else -number
        case ast.BinaryExpr():
            left = _number(evaluate(node.left, lookup, report), node.left, report)
            right = _number(evaluate(node.right, lookup, report), node.right, report)
            return (
                UNKNOWN if left is None or right is None else _arithmetic(node, left, right, report)
            )


def _number(value: Value, node: ast.Value, report: Reporter) -> Number | None:
    """The value where it is a number; None once it was reported."""
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return value
    if not isinstance(value, Unknown):
        report(argument_errors.no_arithmetic(node.span, describe(value)))
    return None


def _arithmetic(node: ast.BinaryExpr, left: Number, right: Number, report: Reporter) -> Value:
    if node.operator in ("/", "//") and right == 0:
        report(argument_errors.division_by_zero(node.right.span))
        return UNKNOWN
    result: Number
    match node.operator:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "*":
            result = left * right
        case "/":
            result = Fraction(left) / right
        case _:
            result = left // right
    if abs(result) >= MAX_NUMBER or result.denominator >= MAX_NUMBER:
        report(argument_errors.number_too_large(node.span, MAX_NUMBER))
        return UNKNOWN
    return int(result) if result == int(result) else result
