"""Arguments of torch's functions as fields of layers."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import Any

from resspec.importing.lift.problems import Problem
from resspec.ir.ops.layer import Size

_TOO_LONG = 10**18  # for a number of the language


def exact(number: float) -> Fraction:
    """Return the decimal number that a float is written as; of 12 digits, where that is none of the
    language: `1 - 0.9997` is 0.0003. Raises Problem for infinity and nan.
    """
    if not isfinite(number):
        raise Problem(f"a factor of {number}")
    if abs(number) >= _TOO_LONG:
        raise Problem(f"a factor of {number} has too many digits", "a number has at most 18 digits")
    written = Fraction(repr(float(number)))
    return written if written.denominator < _TOO_LONG else Fraction(f"{number:.12g}")


def size(given: Any) -> Size:
    """Return height and width."""
    match given:
        case int():
            return given, given
        case [int(both)]:
            return both, both
        case [int(height), int(width)]:
            return height, width
        case _:
            raise Problem(f"{given!r:.40} is not a size")
