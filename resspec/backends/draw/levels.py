"""Output sizes of several networks, level with each other."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import reduce
from itertools import groupby
from math import prod

from resspec.backends.draw.elements import BoxRow, Element

Level = tuple[int, ...]  # height and width; of what has none, 1 and 1
Placed = tuple[int, Element]  # the number of its section, and what stands there


def items(section: int, row: BoxRow) -> list[Placed]:
    """Return the elements of a section that may be on different levels."""
    return [
        found
        for child in row.children
        for found in (items(section, child) if isinstance(child, BoxRow) else [(section, child)])
    ]


def runs(placed: Sequence[Placed]) -> list[tuple[Level, list[Placed]]]:
    """Yield neighbors of one output size."""
    return [
        (level, list(group))
        for level, group in groupby(placed, key=lambda item: item[1].output.spatial or (1, 1))
    ]


def common(rows: Sequence[Sequence[Level]]) -> list[Level]:
    """Return the levels of all, in an order that each keeps."""
    return reduce(_merged, rows, [])


def heights(row: Sequence[Level], among: Sequence[Level]) -> list[int]:
    """Return where the levels of one stand among those of all."""
    found, start = [], 0
    for level in row:
        found.append(among.index(level, start))
        start = found[-1] + 1
    return found


def _merged(a: list[Level], b: Sequence[Level]) -> list[Level]:
    merged: list[Level] = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        both = [a[a0:a1]] if tag == "equal" else [a[a0:a1], b[b0:b1]]
        merged += heapq.merge(*both, key=lambda level: -prod(level))
    return merged
