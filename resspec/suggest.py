"""Did you mean: the nearest of the names that are legal at a place, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST = 3  # names in one question


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the best candidate within an edit distance of a third of the word (at least 1)."""
    return next(iter(alike(word, candidates)), None)


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return the end of a message about an unknown word: `; did you mean report?`, or nothing."""
    near = nearest(word, candidates)
    return f"; did you mean {near}?" if near else ""


def alike(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return the nearest candidates, within an edit distance of a third of the word (at least 1).

    Of several that are equally near, those with the same first letter and length come first.
    """
    limit = max(1, len(word) // 3)
    found: dict[int, list[str]] = {}
    for name in sorted(set(candidates) - {word}):
        cost = distance(word.lower(), name.lower(), limit)
        if cost <= limit and cost < max(len(word), len(name)):
            found.setdefault(cost, []).append(name)
    if not found:
        return ()

    def rank(name: str) -> tuple[bool, bool, str]:
        return name[:1].lower() != word[:1].lower(), len(name) != len(word), name

    return tuple(sorted(found[min(found)], key=rank)[:MOST])


def joined(words: Iterable[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    *others, final = words
    return f"{', '.join(others)} {last} {final}" if others else final


def any_of(names: Sequence[str]) -> str:
    """Return `a`, `b` or `c`, each in backticks."""
    return joined([f"`{name}`" for name in names], "or")


def meant(near: Sequence[str]) -> str | None:
    return f"did you mean {any_of(near)}?" if near else None


def only(near: Sequence[str]) -> str | None:
    """Return what a machine may write: nothing where several candidates are equally near."""
    return near[0] if len(near) == 1 else None


def listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def distance(a: str, b: str, limit: int) -> int:
    """Return the edits (insert, delete, replace, swap) from `a` to `b`, at most `limit + 1`."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        two_before, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
