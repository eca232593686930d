"""Arguments of torch's functions as fields of layers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from resspec.importing.lift.problems import Problem
from resspec.ir.ops.layer import Size


def exact(number: float) -> Fraction:
    """Return the decimal number that a float is written as."""
    return Fraction(repr(float(number)))


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
