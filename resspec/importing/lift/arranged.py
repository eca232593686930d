"""Axes of a value that were split, merged and moved, before it is known which layer does that.

A network writes a channel shuffle as a view, a transpose and a view. Each of them only arranges the
axes of what a step computed, so they are kept beside the step until a layer has to read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import prod

from resspec.importing.trace import BATCH, Called
from resspec.ir.shape import Shape

Part = tuple[int, int]  # of an axis of the step's value: the axis, and which of its factors
Axes = tuple[tuple[Part, ...], ...]


class NoArrangement(Exception):
    """An error for axes that cannot be arranged in a certain way."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """The value of a step, with its axes arranged.

    Attributes:
        step: The step.
        shape: The shape of its value.
        factors: The factors that each axis of its value was split into, the slowest first. The
            batch is axis 0; an axis of one element has none.
        axes: The parts that each axis now holds, the slowest first.
        origin: The call that arranged them last.
    """

    step: int
    shape: Shape
    factors: tuple[tuple[int, ...], ...]
    axes: Axes
    origin: Called | None = field(default=None, compare=False, repr=False)

    @property
    def dims(self) -> tuple[int, ...]:
        """The sizes of the axes as they are now."""
        return tuple(prod(self.size(part) for part in axis) for axis in self.axes)

    @property
    def is_plain(self) -> bool:
        """True if its axes are those of the step's value."""
        return self.axes == _whole(self.factors)

    @property
    def channel_axis(self) -> int:
        """The axis of channels of the step's value."""
        return len(self.factors) - 1 if self.shape.last else 1

    def size(self, part: Part) -> int:
        axis, factor = part
        return self.factors[axis][factor]

    def with_axes(self, axes: Iterable[tuple[Part, ...]]) -> Arranged:
        return merged(replace(self, axes=tuple(axes)))

    def permuted(self, order: Sequence[int]) -> Arranged:
        return self.with_axes(self.axes[axis] for axis in order)

    def reshaped(self, dims: Sequence[int]) -> Arranged:
        """Return the value viewed with these sizes. Raises NoArrangement."""
        value, axes, index = self, list[tuple[Part, ...]](), 0
        for needed in dims:
            size = needed
            axis: list[Part] = []
            while size > 1:
                parts = [part for each in value.axes for part in each]
                if index == len(parts):
                    raise NoArrangement
                if size % value.size(parts[index]):
                    value, axes, axis = _split(value, parts[index], size, axes, axis)
                    parts = [part for each in value.axes for part in each]
                axis.append(parts[index])
                size //= value.size(parts[index])
                index += 1
            axes.append(tuple(axis))
        if index != sum(map(len, value.axes)):
            raise NoArrangement
        return value.with_axes(axes)

    def moved(self, step: int, shape: Shape) -> Arranged:
        """Return another step's value of the same number of axes, arranged in the same way; its
        sizes may be other ones where an axis is whole.
        """
        factors = list(self.factors)
        for axis, size in enumerate((BATCH, *shape.dims)):
            if prod(factors[axis]) == size:
                continue
            if len(factors[axis]) > 1:
                raise NoArrangement
            factors[axis] = (size,) if size > 1 else ()
        gone = {(a, 0) for a, each in enumerate(factors) if not each}
        axes = tuple(tuple(part for part in axis if part not in gone) for axis in self.axes)
        return Arranged(step, shape, tuple(factors), axes, self.origin)


def plain(step: int, shape: Shape) -> Arranged:
    """Return the value of a step as it is."""
    factors = tuple((size,) if size > 1 else () for size in (BATCH, *shape.dims))
    return Arranged(step, shape, factors, _whole(factors))


def _whole(factors: tuple[tuple[int, ...], ...]) -> Axes:
    return tuple(
        tuple((axis, index) for index in range(len(parts))) for axis, parts in enumerate(factors)
    )


def _split(
    value: Arranged, part: Part, size: int, done: list[tuple[Part, ...]], current: list[Part]
) -> tuple[Arranged, list[tuple[Part, ...]], list[Part]]:
    """Return the value, and axes of it, with a part split so that its first has this size."""
    axis, index = part
    whole = value.size(part)
    if whole % size:
        raise NoArrangement
    parts = value.factors[axis]
    factors = list(value.factors)
    factors[axis] = (*parts[:index], size, whole // size, *parts[index + 1 :])

    def renumbered(old: Iterable[Part]) -> tuple[Part, ...]:
        new: list[Part] = []
        for a, i in old:
            new.append((a, i + 1) if a == axis and i > index else (a, i))
            if (a, i) == part:
                new.append((axis, index + 1))
        return tuple(new)

    axes = tuple(map(renumbered, value.axes))
    split = replace(value, factors=tuple(factors), axes=axes)
    return split, list(map(renumbered, done)), list(renumbered(current))


def merged(value: Arranged) -> Arranged:
    """Return the value with factors made one that are neighbors in the same axis."""
    for axis, parts in enumerate(value.factors):
        for index in range(len(parts) - 1):
            first, second = (axis, index), (axis, index + 1)
            if any(pair == (first, second) for each in value.axes for pair in pairwise(each)):
                return merged(_joined(value, axis, index))
    return value


def _joined(value: Arranged, axis: int, index: int) -> Arranged:
    parts = value.factors[axis]
    factors = list(value.factors)
    factors[axis] = (*parts[:index], parts[index] * parts[index + 1], *parts[index + 2 :])
    axes = tuple(
        tuple(
            (a, i - 1) if a == axis and i > index + 1 else (a, i)
            for a, i in each
            if (a, i) != (axis, index + 1)
        )
        for each in value.axes
    )
    return replace(value, factors=tuple(factors), axes=axes)
