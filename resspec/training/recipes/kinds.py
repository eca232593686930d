"""The kinds of values in a recipe, and conflicts between values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
)
from pydantic_core import PydanticCustomError

from resspec.units import bytes_of


class RecipeSection(BaseModel):
    """A section of a recipe: it has no unknown keys, and is immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# The description of a kind of value ends the sentence "`label_smoothing` must be …".
Share = Annotated[float, Field(ge=0, le=1, description="a number from 0 to 1")]
PositiveShare = Annotated[float, Field(gt=0, le=1, description="a number above 0 and at most 1")]
PartialShare = Annotated[float, Field(ge=0, lt=1, description="a number of at least 0 and below 1")]
Positive = Annotated[float, Field(gt=0, description="a number above 0")]
NotNegative = Annotated[float, Field(ge=0, description="a number of at least 0")]
Alpha = Annotated[float, Field(ge=0, le=1000, description="a number from 0 to 1000")]
Count = Annotated[int, Field(ge=1, le=10**9, description="a whole number from 1 to 1,000,000,000")]
EpochCount = Annotated[
    int | float,
    Field(gt=0, le=10**9, description="a number above 0"),
    AfterValidator(lambda number: int(number) if number == int(number) else number),
]
Natural = Annotated[
    int, Field(ge=0, le=10**9, description="a whole number from 0 to 1,000,000,000")
]
Pixels = Annotated[
    int, Field(ge=1, le=16_384, description="a whole number of pixels from 1 to 16,384")
]
Border = Annotated[
    int, Field(ge=0, le=16_384, description="a whole number of pixels from 0 to 16,384")
]
Betas = Annotated[
    tuple[PartialShare, PartialShare],
    Field(description="a list of two numbers of at least 0 and below 1, such as `[0.9, 0.999]`"),
]
Resize = Annotated[
    Pixels | tuple[Pixels, Pixels],
    Field(
        description="a whole number of pixels from 1 to 16,384, or a list of two of them, "
        "such as `[256, 480]`"
    ),
]
Interpolation = Literal["nearest", "bilinear", "bicubic"]


class Length(NamedTuple):
    """A part of a run: so many iterations or epochs."""

    number: float
    unit: Literal["iterations", "epochs"]

    def steps(self, epoch: Fraction) -> int:
        """Return the iterations until it is over; an epoch rarely has a whole number of them."""
        return ceil(self._exact(epoch))

    def ends_at(self, step: int, epoch: Fraction) -> bool:
        """Return whether one of a row of such lengths ends with this step."""
        length = self._exact(epoch)
        return step > 0 and step // length > (step - 1) // length

    def _exact(self, epoch: Fraction) -> Fraction:
        return Fraction(self.number) * (1 if self.unit == "iterations" else epoch)

    def __str__(self) -> str:
        """Return the text that `_length` reads as this very length."""
        number = f"{Decimal(repr(self.number)):f}".removesuffix(".0")
        unit = self.unit if self.number != 1 else self.unit[:-1]
        return f"{number} {unit}"


_LENGTH = re.compile(r"\s*([0-9]{1,12}\.?[0-9]{0,12}|\.[0-9]{1,12})\s+(iteration|epoch)s?\s*")


def _length(value: Any) -> Any:
    if isinstance(value, Length):
        return value
    found = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    if found is None or not float(found[1]):
        raise ValueError("not a length, such as `90 epochs` or `64000 iterations`")
    return Length(float(found[1]), "epochs" if found[2] == "epoch" else "iterations")


Lasting = Annotated[
    Length,
    BeforeValidator(_length),
    PlainSerializer(str),
    Field(description="a length, such as `90 epochs` or `64000 iterations`"),
]


def _memory_size(text: str) -> str:
    if bytes_of(text) < 1:
        raise ValueError(f"{text} is not a memory size")
    return text


MemorySize = Annotated[
    str, AfterValidator(_memory_size), Field(description="a size, such as `8GB` or `12GiB`")
]


class Conflict(NamedTuple):
    """Values that are valid by themselves and do not go together.

    Attributes:
        keys: The keys that have them, by their paths from the section that finds it; the first one
            is marked.
        message: What is wrong.
        help: What to write instead.
    """

    keys: tuple[str, ...]
    message: str
    help: str


def refuse(conflicts: Sequence[Conflict]) -> None:
    """Raise all of them as one error, which `errors()` shows with `ctx["conflicts"]`."""
    if conflicts:
        message = "; ".join(conflict.message for conflict in conflicts)
        raise PydanticCustomError(
            "conflicts", "{message}", {"message": message, "conflicts": tuple(conflicts)}
        )


def rising(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    if low > high:
        message = f"the range [{low:g}, {high:g}] ends below its start"
        refuse([Conflict((), message, f"write `[{high:g}, {low:g}]`")])
    return ends
