"""Values as the fields of layers: whole numbers, sizes, flags, within their ranges."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from resspec.diagnostics import Reporter
from resspec.lowering import argument_errors
from resspec.lowering.values import UNKNOWN, Entries, Unknown, Value, describe
from resspec.source import Span

MAX_COUNT = 1 << 24
_KINDS = {
    "Flag": "`true` or `false`",
    "Size": "a size such as `3x3`",
    "Extent": "a number or a size",
    "Padding": "a number, a size, or `same`",
    **dict.fromkeys(("Real", "Positive", "Probability"), "a number"),
}


def convert(value: Value, annotation: str, phrase: str, span: Span, report: Reporter) -> Any:
    """Return a value as a field of this annotation (see ir/ops/layer.py), or UNKNOWN once a mistake
    was reported.
    """
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Entries):
        report(argument_errors.misplaced_list(span))
        return UNKNOWN
    kind = annotation.partition(" ")[0]
    match kind, value:
        case "Count" | "Index", int() if type(value) is int:
            return _ranged(value, 1 if kind == "Count" else 0, phrase, span, report)
        case "Flag", bool():
            return value
        case "Real" | "Positive" | "Probability", int() | Fraction() if not isinstance(value, bool):
            return _bounded(Fraction(value), kind, phrase, span, report)
        case "Count" | "Index", Fraction():
            report(argument_errors.not_whole(span, phrase, value))
            return UNKNOWN
        case "Size" | "Extent" | "Padding", Fraction():
            report(argument_errors.not_whole(span, phrase, value))
            return UNKNOWN
        case "Size" | "Extent" | "Padding", int() | (int(), int()) if not isinstance(value, bool):
            if isinstance(value, tuple) and 1 <= min(value) <= max(value) <= MAX_COUNT:
                return value
            sides = value if isinstance(value, tuple) else (value, value)
            checked = tuple(
                _ranged(side, 1 if kind == "Size" else 0, phrase, span, report)
                for side in dict.fromkeys(sides)
            )
            return UNKNOWN if UNKNOWN in checked else (sides[0], sides[1])
    report(
        argument_errors.wrong_kind(
            span, phrase, _KINDS.get(kind, "a whole number"), describe(value)
        )
    )
    return UNKNOWN


def _bounded(
    value: Fraction, kind: str, phrase: str, span: Span, report: Reporter
) -> Fraction | Unknown:
    if kind == "Real" or (value > 0 if kind == "Positive" else 0 <= value <= 1):
        return value
    limits = "a number above 0" if kind == "Positive" else "a number from 0 to 1"
    report(argument_errors.out_of_range(span, phrase, limits, str(value)))
    return UNKNOWN


def _ranged(value: int, least: int, phrase: str, span: Span, report: Reporter) -> int | Unknown:
    if least <= value <= MAX_COUNT:
        return value
    limits = f"{least} or more" if value < least else f"{MAX_COUNT:,} at most"
    report(argument_errors.out_of_range(span, phrase, limits, f"{value:,}"))
    return UNKNOWN
