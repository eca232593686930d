"""The evaluation of expressions. Arithmetic is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from resspec.diagnostics import Diagnostic, Reporter
from resspec.lowering import argument_errors, functions, name_errors
from resspec.lowering.arguments import layer_presets, presets_of
from resspec.lowering.functions import COMPARISONS, FUNCTIONS, Number
from resspec.lowering.values import (
    UNKNOWN,
    BlockRef,
    Entries,
    OptionRef,
    Unknown,
    Value,
    describe,
    is_number,
)
from resspec.source import Span
from resspec.syntax import ast

MAX_NUMBER = 10**ast.MAX_DIGITS


def evaluate(
    node: ast.Value,
    lookup: Callable[[ast.Identifier], Value],
    report: Reporter,
    *,
    in_bytes: bool = False,
    stage: int | None = None,
) -> Value:
    """Return the value of an expression; UNKNOWN once something in it was reported.

    Args:
        node: The expression.
        lookup: The value of a name.
        report: Where a mistake goes.
        in_bytes: Whether the expression may have amounts of bytes.
        stage: The stage whose entries of lists are taken; None outside of `stages`.
    """
    return _Evaluation(lookup, report, in_bytes, stage).value(node)


_Operand = tuple[Value, ast.Value]


class _Evaluation(NamedTuple):
    lookup: Callable[[ast.Identifier], Value]
    report: Reporter
    in_bytes: bool
    stage: int | None

    def value(self, node: ast.Value) -> Value:
        match node:
            case ast.Number(value=value):
                return value
            case ast.Bytes(value=value):
                return value if self.in_bytes else self._misplaced(node)
            case ast.Size(dims=dims):
                return dims
            case ast.Identifier():
                return self.lookup(node)
            case ast.Negate():
                return self._each(node, self._negated)
            case ast.BinaryExpr(operator="==" | "!="):
                return self._each(node, partial(self._equality, node))
            case ast.BinaryExpr():
                return self._each(node, partial(self._binary, node))
            case ast.ListExpr(entries=entries):
                return self._list(entries)
            case ast.Choice():
                return self._choice(node)
            case ast.Applied():
                return self._applied(node)

    def _list(self, entries: list[ast.Value]) -> Value:
        """Return a list, or the entry of the stage."""
        if self.stage is None:
            return Entries(tuple([self.value(entry) for entry in entries]))
        return self.value(entries[self.stage]) if self.stage < len(entries) else UNKNOWN

    def _each(self, node: ast.Value, compute: Callable[[list[_Operand]], Value]) -> Value:
        """Compute a value from its operands, or a list for each entry of those that are lists."""
        nodes = ast.operands(node)
        values = [self.value(operand) for operand in nodes]
        lists = [
            (len(value.values), operand.span)
            for value, operand in zip(values, nodes, strict=True)
            if isinstance(value, Entries)
        ]
        if not lists:
            return compute([*zip(values, nodes, strict=True)])
        if mistake := unequal(lists):
            self.report(mistake)
            return UNKNOWN
        computed = list[Value]()
        for i in range(lists[0][0]):
            entries = [entry_of(value, i) for value in values]
            computed.append(compute([*zip(entries, nodes, strict=True)]))
        return Entries(tuple(computed))

    def _numbers(self, operands: Sequence[_Operand]) -> list[Number] | None:
        """Return the operands as numbers; None once it was reported that one is not a number."""
        numbers = [self._number(value, node) for value, node in operands]
        known = [number for number in numbers if number is not None]
        return known if len(known) == len(numbers) else None

    def _number(self, value: Value, node: ast.Value) -> Number | None:
        if is_number(value):
            return value
        if not isinstance(value, Unknown):
            self.report(argument_errors.no_arithmetic(node.span, describe(value)))
        return None

    def _misplaced(self, node: ast.Bytes) -> Unknown:
        message = "an amount of bytes is only allowed where `expect` compares bytes"
        self.report(argument_errors.misplaced_bytes(node.span, message))
        return UNKNOWN

    # --- arithmetic and comparisons ---

    def _negated(self, operands: list[_Operand]) -> Value:
        numbers = self._numbers(operands)
        return UNKNOWN if numbers is None else -numbers[0]

    def _binary(self, node: ast.BinaryExpr, operands: list[_Operand]) -> Value:
        numbers = self._numbers(operands)
        if numbers is None:
            return UNKNOWN
        left, right = numbers
        if node.operator in COMPARISONS:
            return COMPARISONS[node.operator](left, right)
        if node.operator in ("/", "//") and right == 0:
            self.report(argument_errors.division_by_zero(node.right.span))
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
        return self._bounded(result, node)

    def _bounded(self, result: Number, node: ast.Value) -> Value:
        if abs(result) >= MAX_NUMBER or result.denominator >= MAX_NUMBER:
            self.report(argument_errors.number_too_large(node.span, MAX_NUMBER))
            return UNKNOWN
        return int(result) if result == int(result) else result

    def _equality(self, node: ast.BinaryExpr, operands: list[_Operand]) -> Value:
        (left, _), (right, _) = operands
        if isinstance(left, Unknown) or isinstance(right, Unknown):
            return UNKNOWN
        if isinstance(left, bool) != isinstance(right, bool) and not (
            isinstance(left, BlockRef | OptionRef) or isinstance(right, BlockRef | OptionRef)
        ):
            what, got = f"`{node.left.span.text}`", f"compared with {describe(right)}"
            needs = "compare two numbers, two sizes, two booleans or two names"
            self.report(argument_errors.wrong_kind(node.right.span, what, needs, got))
            return UNKNOWN
        is_equal = _as_size(left) == _as_size(right)
        return is_equal if node.operator == "==" else not is_equal

    # --- choices and functions ---

    def _choice(self, node: ast.Choice) -> Value:
        """Return one of the two values; in the other one only the names are looked up."""
        condition = self.value(node.condition)
        if isinstance(condition, bool):
            chosen, other = node.value, node.other
            if not condition:
                chosen, other = other, chosen
            for name in names_in(other):
                self.lookup(name)
            return self.value(chosen)
        self.value(node.value)
        self.value(node.other)
        if not isinstance(condition, Unknown):
            place, got = node.condition.span, describe(condition)
            needs = "write a comparison, such as `stride > 1`, `true` or `false`"
            self.report(argument_errors.wrong_kind(place, "a condition", needs, got))
        return UNKNOWN

    def _applied(self, node: ast.Applied) -> Value:
        """Return the result of a function, or a block, layer or option with arguments given."""
        if node.name.text in FUNCTIONS:
            return self._each(node, partial(self._function, node))
        callee = self.lookup(node.name)
        if isinstance(callee, BlockRef | OptionRef):
            return with_arguments(callee, node, self.value, self.report)
        if not isinstance(callee, Unknown):
            self.report(name_errors.no_layer(node.name.span, describe(callee)))
        return UNKNOWN

    def _function(self, node: ast.Applied, operands: list[_Operand]) -> Value:
        known = self._numbers(operands)
        if mistake := functions.mistake(node):
            self.report(mistake)
            return UNKNOWN
        if known is None:
            return UNKNOWN
        if node.name.text == "divisible" and known[1:] and known[1] <= 0:
            place, got = ast.value_of(node.arguments[1]).span, str(known[1])
            limits = "a number above 0"
            self.report(argument_errors.out_of_range(place, "the divisor", limits, got))
            return UNKNOWN
        return self._bounded(FUNCTIONS[node.name.text].compute(*known), node)


def with_arguments(
    callee: BlockRef | OptionRef,
    node: ast.Applied | ast.LayerCall,
    evaluate: Callable[[ast.Value], Value],
    report: Reporter,
) -> BlockRef | OptionRef | Unknown:
    """Return a block, layer or option with more arguments given; UNKNOWN once something was
    reported.
    """
    name = ast.Identifier(callee.name, node.name.span)
    call = ast.LayerCall(name, node.arguments, node.span)
    given = callee.presets
    if isinstance(callee, OptionRef):
        parameters = callee.option.parameters if callee.option else []
        presets = presets_of(call, parameters, evaluate, report, given)
        if presets is None:
            return UNKNOWN
        if "stride" in presets:
            report(argument_errors.unused_stride(presets["stride"][1], callee.name))
            return UNKNOWN
        return OptionRef(callee.name, callee.option, callee.library, presets)
    if callee.block is None:
        presets = layer_presets(call, evaluate, report, given)
    else:
        presets = presets_of(call, callee.block.parameters, evaluate, report, given)
    if presets is None:
        return UNKNOWN
    return BlockRef(callee.name, callee.block, callee.library, presets)


def entry_of(value: Value, stage: int | None) -> Value:
    """Return the entry of a list for a stage; any other value is the same for all stages."""
    if stage is None or not isinstance(value, Entries):
        return value
    return value.values[stage] if stage < len(value.values) else UNKNOWN


def unequal(lists: Sequence[tuple[int, Span]]) -> Diagnostic | None:
    """Return the error of lists of different lengths, each given with its length and place."""
    first, place = lists[0]
    for length, other in lists[1:]:
        if length != first:
            return argument_errors.unequal_lists(other, length, place, first)
    return None


def names_in(node: ast.Value) -> Iterator[ast.Identifier]:
    """Yield the names in an expression, but for those of functions."""
    if isinstance(node, ast.Identifier):
        yield node
    for operand in ast.operands(node):
        yield from names_in(operand)


def _as_size(value: Value) -> Value:
    """Return a whole number as the square that it stands for."""
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else value
