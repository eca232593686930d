"""Output sizes of several networks, level with each other."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import reduce
from math import prod

Level = tuple[int, ...]  # height and width; of what has none, 1 and 1


def common(rows: Sequence[Sequence[Level]]) -> list[Level]:
    """Return the levels of all, in an order that each keeps."""
    return reduce(_merged, rows, [])


def heights(row: Sequence[Level], among: Sequence[Level]) -> list[int]:
    """Return where the levels of one stand among those of all."""
    found: list[int] = []
    for level in row:
        start = found[-1] + 1 if found else 0
        found.append(among.index(level, start))
    return found


def _merged(a: list[Level], b: Sequence[Level]) -> list[Level]:
    merged: list[Level] = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        both = [a[a0:a1]] if tag == "equal" else [a[a0:a1], b[b0:b1]]
        merged += heapq.merge(*both, key=lambda level: -prod(level))
    return merged
