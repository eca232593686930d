"""The smallest parts of a graph around branches that cross: one value enters, one leaves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from resspec.importing.decompose import Crossing
from resspec.importing.dominators import Dominators
from resspec.importing.graph import INPUT
from resspec.importing.reads import Inputs


class Region(NamedTuple):
    """The steps between a value and a step to which all branches from it lead."""

    start: int
    end: int


class Ways:
    """The paths through a graph, forward and backward.

    Attributes:
        readers: The steps that read each value, once per read; those of the input at -1.
    """

    def __init__(self, inputs: list[Inputs], output: int) -> None:
        count = len(inputs)
        self.inputs = inputs
        self.readers: list[list[int]] = [[] for _ in range(count + 1)]
        for i, read in enumerate(inputs):
            for j in read:
                self.readers[j].append(i)
        self._forward = Dominators(inputs)
        self._last = count - 1  # a step is number `last - step` backward, and the input comes last
        backward = [
            tuple(self._last - i for i in self.readers[j]) for j in range(count - 1, -2, -1)
        ]
        backward[self._last - output] = (INPUT,)
        self._backward = Dominators(backward)

    def regions(self, crossings: Iterable[Crossing]) -> list[Region]:
        """Return the regions of crossings that have no other of them inside, in order."""
        found = {self._around((each.step, *each.merges)) for each in crossings}
        inside = {region: set(self.inside(region)) for region in found}
        return sorted(
            region
            for region in found
            if not any(other != region and other.end in inside[region] for other in found)
        )

    def inside(self, region: Region) -> list[int]:
        """Return the steps of a region behind its start, in order, its end included."""
        seen = {region.start}
        waiting = [region.end]
        while waiting:
            step = waiting.pop()
            if step not in seen:
                seen.add(step)
                waiting += self.inputs[step]
        return sorted(seen - {region.start})

    def forks(self, region: Region) -> list[int]:
        """Return the values in a region that are read on several branches, in order, but not those
        whose branches one merge joins, nor any value on these.
        """
        inside = self.inside(region)
        covered: set[int] = set()
        found = []
        for step in inside:
            if step in covered or step == region.end or len(self.readers[step]) < 2:
                continue
            end = self._last - self._backward.parents[self._last - step]
            if self._forward.parents[end] == step:
                covered |= {*self.inside(Region(step, end))} - {end}
            else:
                found.append(step)
        return found

    def _around(self, steps: Iterable[int]) -> Region:
        start = self._forward.common(steps)
        end = self._end((start, *steps))
        while (before := self._forward.common((start, end))) != start:
            start = before
            end = self._end((start, end))
        return Region(start, end)

    def _end(self, steps: Iterable[int]) -> int:
        return self._last - self._backward.common([self._last - step for step in steps])
