"""Expectations of a network, by its author or by a budget from outside: a quantity, under
conditions, and its bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from resspec.diagnostics import Diagnostic, SpecError
from resspec.ir.quantities import DTYPES, OPTIMIZERS, QUANTITIES, Conditions
from resspec.lowering import argument_errors, arguments, name_errors
from resspec.lowering.conversion import convert
from resspec.lowering.frame import Frame, Numbering, Trail
from resspec.lowering.lint import used_names
from resspec.lowering.scope import Library
from resspec.lowering.values import UNKNOWN, Unknown, describe
from resspec.source import Source, Span
from resspec.suggest import alike
from resspec.syntax import ast
from resspec.syntax.parse import parse_expectation

_CHOICES = {"dtype": tuple(DTYPES), "optimizer": tuple(OPTIMIZERS)}


class Expectation(NamedTuple):
    """`quantity comparison low`, or `in low .. high`. `metric`: where the quantity stands with its
    arguments.
    """

    quantity: str
    at: Conditions
    comparison: str
    low: int | Fraction
    high: int | Fraction | None
    span: Span

    def is_met(self, found: int) -> bool:
        match self.comparison:
            case "==":
                return found == self.low
            case "<=":
                return found <= self.low
            case ">=":
                return found >= self.low
            case "!=":
                return found != self.low
            case "<":
                return found < self.low
            case ">":
                return found > self.low
            case _:
                return self.high is not None and self.low <= found <= self.high


def expectation(clause: ast.Expect, frame: Frame) -> Expectation | None:
    """None once something in it was reported."""
    name = clause.metric.name
    if name.text not in QUANTITIES:
        frame.report(name_errors.unknown_metric(name.span, _meant(name.text), tuple(QUANTITIES)))
        return None
    conditions = _conditions(clause.metric, frame)
    bounds = [_bound(node, name.text, frame) for node in (clause.low, clause.high) if node]
    if conditions is None or None in bounds:
        return None
    low, high, *_ = *bounds, None
    assert low is not None
    if clause.high and high is not None and high < low:
        span = clause.low.span._replace(end=clause.high.span.end)
        frame.report(argument_errors.empty_range(span, clause.low.span, clause.high.span))
        return None
    return Expectation(name.text, conditions, clause.comparison, low, high, clause.span)


def verified(
    clauses: Iterable[ast.Clause],
    parameters: Iterable[ast.ParameterDecl],
    are_set: bool,
) -> set[Span]:
    """Return which expectations of a network hold for the values that its parameters have.

    Those of a template hold for all its instances. Those of a network that has all its values hold
    for these; where one is set from outside, only those that mention a parameter do.

    Args:
        clauses: The clauses of the network.
        parameters: Its parameters.
        are_set: Whether parameters are set by a derived network or from outside.
    """
    expects = [clause for clause in clauses if isinstance(clause, ast.Expect)]
    if not are_set or any(parameter.default is None for parameter in parameters):
        return {clause.span for clause in expects}
    names = {parameter.name.text for parameter in parameters}
    constants = [clause for clause in clauses if isinstance(clause, ast.Let)]
    for _ in constants:  # each may mention the next
        names |= {let.name.text for let in constants if not names.isdisjoint(used_names(let))}
    return {clause.span for clause in expects if not names.isdisjoint(_mentioned(clause))}


def _mentioned(clause: ast.Expect) -> set[str]:
    return {*used_names([*clause.metric.arguments, clause.low, clause.high])}


def budgets(texts: Iterable[str]) -> list[Expectation]:
    """Return the budgets from outside, each a text that may stand after `expect`. Raises SpecError
    with every mistake, in these texts under the name `budget`.
    """
    expected, diagnostics = list[Expectation | None](), list[Diagnostic]()

    def collect(diagnostic: Diagnostic, _: Trail) -> None:
        diagnostics.append(diagnostic)

    for text in texts:
        source = Source("budget", text)
        try:
            clause = parse_expectation(source)
        except SpecError as error:
            diagnostics += error.diagnostics
        else:
            expected.append(expectation(clause, Frame(Library(source), collect, Numbering())))
    if diagnostics:
        raise SpecError(diagnostics)
    return [each for each in expected if each]


def _meant(word: str) -> tuple[str, ...]:
    """Also of a name that is cut short: `saved` for `saved_bytes`."""
    return alike(word, QUANTITIES) or tuple(
        name for name in QUANTITIES if name.startswith(f"{word}_")
    )


def _conditions(metric: ast.LayerCall, frame: Frame) -> Conditions | None:
    """Return the conditions that a quantity's arguments give."""
    name = metric.name.text
    takes = QUANTITIES[name].takes
    given = arguments.sort(metric.arguments, frame.report)
    for node, word in zip(given.bare, [*takes, *[None] * len(given.bare)], strict=False):
        frame.report(argument_errors.by_name_only(node.span, name, word))
    if given.stride:
        frame.report(argument_errors.unused_stride(given.stride.span, name))
    values: dict[str, Any] = {}
    for word, keyword in given.keywords.items():
        if word in takes:
            values[word] = _condition(word, keyword.value, frame)
        else:
            others = [other for other, quantity in QUANTITIES.items() if word in quantity.takes]
            frame.report(
                argument_errors.unknown_argument(
                    keyword.name.span, name, alike(word, takes), takes, others
                )
            )
    sound = len(values) == len(metric.arguments) and UNKNOWN not in values.values()
    return Conditions(**values) if sound else None


def _condition(word: str, node: ast.Value, frame: Frame) -> Any:
    """UNKNOWN once it was reported."""
    if choices := _CHOICES.get(word):
        text = node.text if isinstance(node, ast.Identifier) else ""
        if text in choices:
            return text
        frame.report(
            argument_errors.bad_choice(node.span, f"`{word}`", choices, alike(text, choices))
        )
        return UNKNOWN
    return convert(frame.value(node), "Count", f"`{word}`", node.span, frame.report)


def _bound(node: ast.Value, name: str, frame: Frame) -> int | Fraction | None:
    unit = QUANTITIES[name].unit
    if unit != "bytes" and (units := list(_units(node))):
        for amount in units:
            frame.report(
                argument_errors.misplaced_bytes(amount.span, f"`{name}` counts {unit}, not bytes")
            )
        return None
    match frame.value(node, in_bytes=True):
        case int() | Fraction() as number if not isinstance(number, bool):
            return number
        case Unknown():
            return None
        case value:
            frame.report(
                argument_errors.wrong_kind(node.span, f"`{name}`", "a number", describe(value))
            )
            return None


def _units(node: ast.Value) -> Iterator[ast.Bytes]:
    if isinstance(node, ast.Bytes):
        yield node
    for operand in ast.operands(node):
        yield from _units(operand)
