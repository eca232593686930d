"""Alignment of two rows: equal items are paired first, then items with weaker keys in common."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, TypeVar

T = TypeVar("T")
Key = Callable[[Any], Hashable]
Keys = Sequence[Hashable]
Matches = list[tuple[int, int]]

_FEW = 100_000  # pairs of items up to which difflib, which is quadratic, decides


def aligned(a: Sequence[T], b: Sequence[T], *keys: Key) -> Iterator[tuple[T | None, T | None]]:
    """Yield both rows in their order, in pairs, with None where one side has nothing.

    Items of equal first keys are paired before those of equal second keys between them, and so on.
    The time is linear in the items, but for a logarithm, however different the rows are.
    """
    if not (keys and a and b):
        yield from ((x, None) for x in a)
        yield from ((None, y) for y in b)
        return
    key, *weaker = keys
    yield from paired(a, b, _matches(list(map(key, a)), list(map(key, b))), *weaker)


def paired(
    a: Sequence[T], b: Sequence[T], matches: Matches, *weaker: Key
) -> Iterator[tuple[T | None, T | None]]:
    """Yield both rows in their order, with pairs at the matches and between them by weaker keys."""
    i = j = 0
    for x, y in matches:
        yield from aligned(a[i:x], b[j:y], *weaker)
        yield a[x], b[y]
        i, j = x + 1, y + 1
    yield from aligned(a[i:], b[j:], *weaker)


def _matches(a: Keys, b: Keys) -> Matches:
    """Return the places of equal keys, growing on both sides."""
    start = _common(a, b)
    end = _common(a[start:][::-1], b[start:][::-1])
    inner_a, inner_b = a[start : len(a) - end], b[start : len(b) - end]
    is_small = len(inner_a) * len(inner_b) <= _FEW
    between = contiguous(inner_a, inner_b) if is_small else _growing(inner_a, inner_b)
    return [
        *((i, i) for i in range(start)),
        *((start + i, start + j) for i, j in between),
        *((len(a) - i, len(b) - i) for i in range(end, 0, -1)),
    ]


def _common(a: Keys, b: Keys) -> int:
    """Return how many keys at the beginning are equal."""
    pairs = zip(a, b, strict=False)
    return next((i for i, (x, y) in enumerate(pairs) if x != y), min(len(a), len(b)))


def contiguous(a: Keys, b: Keys) -> Matches:
    """Return the places of equal keys, the longest rows of them first."""
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    return [(block.a + i, block.b + i) for block in blocks for i in range(block.size)]


def _growing(a: Keys, b: Keys) -> Matches:
    """Pair the n-th of a key with the n-th of the other side, and keep the longest growing row."""
    places = {item: j for j, item in enumerate(_numbered(b))}
    pairs = [(i, places[item]) for i, item in enumerate(_numbered(a)) if item in places]

    ends: list[int] = []  # the least end of a growing row of each length so far
    lengths = []
    for _, j in pairs:
        length = bisect_left(ends, j)
        ends[length : length + 1] = [j]
        lengths.append(length)

    longest: Matches = []
    for pair, length in zip(reversed(pairs), reversed(lengths), strict=True):
        bound = longest[-1][1] if longest else len(b)
        if length == len(ends) - 1 - len(longest) and pair[1] < bound:
            longest.append(pair)
    return longest[::-1]


def _numbered(keys: Keys) -> Iterator[tuple[Hashable, int]]:
    """Yield each key with how often it occurred before."""
    seen = Counter[Hashable]()
    for key in keys:
        yield key, seen[key]
        seen[key] += 1
