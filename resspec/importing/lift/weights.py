"""Parameters that are viewed with other sizes or multiplied before a layer reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resspec.importing.lift.problems import Problem
from resspec.importing.trace import Weight


@dataclass(frozen=True, slots=True)
class Viewed:
    """A parameter with other sizes, times a number.

    Attributes:
        weight: The parameter.
        dims: Its sizes as they are now.
        factor: The number.
    """

    weight: Weight
    dims: tuple[int, ...]
    factor: float = 1.0


def dims_of(weight: Any) -> tuple[int, ...]:
    """Return the sizes of a parameter. Raises Problem for what is none."""
    if not isinstance(weight, Weight):
        raise Problem("its weight is computed, not a parameter")
    return weight.dims
