"""Parameters that are viewed with other sizes or multiplied before a layer reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resspec.importing.lift.arranged import Arranged
from resspec.importing.lift.problems import Problem
from resspec.importing.trace import Called, Weight
from resspec.ir.ops.resize import Pad


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


@dataclass(frozen=True, slots=True)
class Standardized:
    """A weight with mean 0 and variance 1 for each output channel.

    Attributes:
        weight: The parameter.
        eps: What is added to the variance.
        gain: A learned factor for each output channel, if any.
    """

    weight: Weight
    eps: float
    gain: Viewed | None


@dataclass(frozen=True, slots=True)
class Padded:
    """A value with a border, which may belong to the layer that reads it.

    Attributes:
        value: The value.
        border: Left, right, top and bottom.
        mode: The language's word for what the border holds.
        origin: The call that padded it.
    """

    value: Arranged
    border: tuple[int, int, int, int]
    mode: str
    origin: Called

    @property
    def layer(self) -> Pad:
        left, right, top, bottom = self.border
        return Pad(left=left, right=right, top=top, bottom=bottom, mode=self.mode)


def dims_of(weight: Any) -> tuple[int, ...]:
    """Return the sizes of a parameter. Raises Problem for anything else."""
    if not isinstance(weight, Weight):
        raise Problem("its weight is computed, not a parameter")
    return weight.dims
