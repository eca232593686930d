"""What a network's author expects of it: a quantity of the report, and its bounds."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from resspec.lowering import errors
from resspec.lowering.frame import Frame
from resspec.lowering.values import Unknown, describe
from resspec.source import Span
from resspec.suggest import nearest
from resspec.syntax import ast

QUANTITIES = ("params", "buffers", "macs", "flops", "acts", "layers")


class Expectation(NamedTuple):
    """`expect quantity comparison low`, or `in low .. high`."""

    quantity: str
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
            case "<":
                return found < self.low
            case ">":
                return found > self.low
            case _:
                return self.high is not None and self.low <= found <= self.high


def expectation(clause: ast.Expect, frame: Frame) -> Expectation | None:
    """None once something in it was reported."""
    metric = clause.metric
    if metric.text not in QUANTITIES:
        frame.report(errors.unknown_metric(metric.span, nearest(metric.text, QUANTITIES), QUANTITIES))
        return None
    for argument in clause.arguments:
        frame.report(errors.unknown_argument(argument.name.span, metric.text, None))
    numbers = []
    for node in (clause.low, clause.high) if clause.high else (clause.low,):
        match frame.value(node):
            case int() | Fraction() as number if not isinstance(number, bool):
                numbers.append(number)
            case Unknown():
                return None
            case value:
                frame.report(errors.wrong_kind(node.span, f"`{metric.text}`", "a number", describe(value)))
                return None
    low, high = numbers[0], numbers[1] if clause.high else None
    return Expectation(metric.text, clause.comparison, low, high, clause.span)
