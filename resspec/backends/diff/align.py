"""Alignment of two rows: equal items are paired first, then items that are alike in weaker ways."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, TypeVar

T = TypeVar("T")
Key = Callable[[Any], Hashable]
Match = tuple[int, int]

_FEW = 100_000  # pairs of items up to which difflib, which is quadratic, decides


def aligned(a: Sequence[T], b: Sequence[T], *keys: Key) -> Iterator[tuple[T | None, T | None]]:
    """Return both rows in their order, in pairs, with None where one side has nothing.

    Items of equal first keys are paired before those of equal second keys between them, and so on.
    The time is linear in the items, but for a logarithm, however different the rows are.
    """
    if not keys or not a or not b:
        yield from ((x, None) for x in a)
        yield from ((None, y) for y in b)
        return
    key, *weaker = keys
    i = j = 0
    for x, y in [*_matches([key(x) for x in a], [key(y) for y in b]), (len(a), len(b))]:
        yield from aligned(a[i:x], b[j:y], *weaker)
        if x < len(a):
            yield a[x], b[y]
        i, j = x + 1, y + 1


def _matches(a: list[Hashable], b: list[Hashable]) -> list[Match]:
    """Places of equal keys, growing on both sides."""
    start, end, least = 0, 0, min(len(a), len(b))
    while start < least and a[start] == b[start]:
        start += 1
    while end < least - start and a[-1 - end] == b[-1 - end]:
        end += 1
    inner = a[start : len(a) - end], b[start : len(b) - end]
    between = _contiguous(*inner) if len(inner[0]) * len(inner[1]) <= _FEW else _growing(*inner)
    return [
        *((i, i) for i in range(start)),
        *((start + i, start + j) for i, j in between),
        *((len(a) - i, len(b) - i) for i in range(end, 0, -1)),
    ]


def _contiguous(a: list[Hashable], b: list[Hashable]) -> list[Match]:
    if not a or not b:
        return []
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return [(block.a + i, block.b + i) for block in blocks for i in range(block.size)]


def _growing(a: list[Hashable], b: list[Hashable]) -> list[Match]:
    """Pair the n-th of a key with the n-th of the other side, and keep the longest growing row."""
    places = {item: i for i, item in enumerate(_numbered(b))}
    pairs = [(i, places[item]) for i, item in enumerate(_numbered(a)) if item in places]
    ends: list[int] = []  # the least end of a growing row of each length so far
    lengths = []
    for _, j in pairs:
        length = bisect_left(ends, j)
        ends[length : length + 1] = [j]
        lengths.append(length)
    longest: list[Match] = []
    wanted, bound = len(ends) - 1, len(b)
    for pair, length in zip(reversed(pairs), reversed(lengths), strict=True):
        if length == wanted and pair[1] < bound:
            longest.append(pair)
            wanted, bound = wanted - 1, pair[1]
    return longest[::-1]


def _numbered(keys: list[Hashable]) -> list[tuple[Hashable, int]]:
    seen: Counter[Hashable] = Counter()
    numbered = []
    for key in keys:
        numbered.append((key, seen[key]))
        seen[key] += 1
    return numbered
