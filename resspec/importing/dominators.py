"""Dominators of a graph: the steps on every path from the input to a step."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable
from functools import reduce

from resspec.importing.graph import INPUT
from resspec.importing.reads import Inputs


class Dominators:
    """The tree in which the parent of each step is its nearest dominator; its root is the input.

    Attributes:
        parents: Of each step; the list's last entry is that of the input, at index -1.
    """

    def __init__(self, inputs: list[Inputs]) -> None:
        count = len(inputs)
        self.parents = [INPUT] * (count + 1)
        self._depths = [0] * (count + 1)
        self._children: list[list[int]] = [[] for _ in range(count + 1)]
        for i, read in enumerate(inputs):
            if read:
                parent = self.parents[i] = self.common(read)
                self._depths[i] = self._depths[parent] + 1
                self._children[parent].append(i)
        self._entered = self._order()
        self._children_entered = [
            [self._entered[child] for child in children] for children in self._children
        ]

    def common(self, steps: Iterable[int]) -> int:
        """Return the nearest step that is on all paths to each of these."""
        return reduce(self._common, steps)

    def child(self, dominator: int, step: int) -> int | None:
        """Return the child of a dominator that is on all paths to a step; None if they are
        the same.
        """
        if step == dominator:
            return None
        entered = self._children_entered[dominator]
        return self._children[dominator][bisect(entered, self._entered[step]) - 1]

    def _common(self, a: int, b: int) -> int:
        parents, depths = self.parents, self._depths
        while a != b:
            if depths[a] < depths[b]:
                b = parents[b]
            else:
                a = parents[a]
        return a

    def _order(self) -> list[int]:
        """Return the place of each step in a walk from the root, parents first."""
        entered = [0] * len(self.parents)
        waiting = [INPUT]
        number = 0
        while waiting:
            step = waiting.pop()
            entered[step] = number
            number += 1
            waiting += reversed(self._children[step])
        return entered
