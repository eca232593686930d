"""Shapes without the batch axis, and the small text-like values of the IR."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import NamedTuple

_SHAPE = re.compile(r"[0-9]{1,18}(?:x[0-9]{1,18}){0,2}(?: last)?", re.ASCII)
_TURNS = re.compile(r"(.*)\{([0-9]{1,18}(?:\+[0-9]{1,18})+)\}", re.ASCII)


_EXACT = re.compile(r"-?[0-9]{1,60}(?:/[0-9]{1,60}|\.[0-9]{1,60})?", re.ASCII)


def exact(text: str) -> Fraction:
    """Return the number of a text such as `1/2`. Raises ValueError, also for `1e999999999`, which
    nobody can compute.
    """
    if not _EXACT.fullmatch(text):
        raise ValueError(f"{text!r:.40} is not a number")
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by zero") from None


class _Dims(NamedTuple):
    dims: tuple[int, ...]
    last: bool = False


class Shape(_Dims):
    """The shape of a value between layers: CxHxW, HxWxC (`last`), or C alone."""

    __slots__ = ()

    @property
    def channels(self) -> int:
        return self.dims[-1] if self.last else self.dims[0]

    @property
    def spatial(self) -> tuple[int, ...]:
        return self.dims[:-1] if self.last else self.dims[1:]

    @property
    def elements(self) -> int:
        return prod(self.dims)

    @property
    def is_image(self) -> bool:
        """Channels first with two spatial axes: what convolutions and pools read."""
        return len(self.dims) == 3 and not self.last

    def with_channels(self, channels: int) -> Shape:
        return Shape(
            (*self.dims[:-1], channels) if self.last else (channels, *self.dims[1:]), self.last
        )

    def __str__(self) -> str:
        return "x".join(map(str, self.dims)) + (" last" if self.last else "")

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Raises ValueError for a text that is not a shape."""
        if not _SHAPE.fullmatch(text):
            raise ValueError(f"{text!r:.40} is not a shape")
        dims, _, last = text.partition(" ")
        return cls(tuple(int(dim) for dim in dims.split("x")), last == "last")


def looks_channels_last(dims: tuple[int, ...]) -> bool:
    """Return whether an input is likely HxWxC, as in 224x224x3: a picture with the channels of a
    camera at its end.
    """
    return len(dims) == 3 and dims[2] in (1, 3, 4) and min(dims[:2]) >= 8


class _NameParts(NamedTuple):
    prefix: str
    number: int | None = None
    steps: tuple[int, ...] = ()


class Name(_NameParts):
    """A module's name in its scope. Inside repeats of that scope its number grows:
    `conv{1+3+2}` is conv1 at first, 3 higher at each turn of the outer repeat, 2 at each of the
    inner. Without such steps a name is always as `parse` reads its text: `relu61` is number 61 of
    `relu`, never number 1 of `relu6`."""

    __slots__ = ()

    def at(self, *turns: int) -> str:
        """The name at these turns of the scope's enclosing repeats, outermost first."""
        number = self.number
        if number is None:
            return self.prefix
        for step, turn in zip(self.steps, turns, strict=False):
            number += step * turn
        return f"{self.prefix}{number}"

    def __str__(self) -> str:
        if not self.steps:
            return self.at()
        return f"{self.prefix}{{{'+'.join(map(str, (self.number, *self.steps)))}}}"

    @classmethod
    @lru_cache(1 << 12)
    def parse(cls, text: str) -> Name:
        if found := _TURNS.fullmatch(text):
            number, *steps = map(int, found[2].split("+"))
            return cls(found[1], number, tuple(steps))
        found = re.fullmatch(r"(.*?)(0|[1-9][0-9]{0,17})", text)
        return cls(found[1], int(found[2])) if found else cls(text)
