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
    scored = [
        (distance(word.lower(), name.lower(), limit), name)
        for name in sorted(set(candidates))
        if name != word
    ]
    best = min(
        (cost for cost, name in scored if cost < max(len(word), len(name))), default=limit + 1
    )
    if best > limit:
        return ()
    found = [name for cost, name in scored if cost == best and cost < max(len(word), len(name))]
    return tuple(
        sorted(
            found,
            key=lambda name: (name[:1].lower() != word[:1].lower(), len(name) != len(word), name),
        )[:MOST]
    )


def any_of(names: Sequence[str]) -> str:
    """`a`, `b` or `c`."""
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} or {last}" if others else last


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
