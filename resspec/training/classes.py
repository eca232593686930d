"""The classes that a network was trained on, beside those of the data that it is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from resspec.diagnostics import UsageError

SHORT = 12  # classes that are listed in full
NAMED = 6  # differing ones of more


def check_same(trained: Sequence[str], found: Sequence[str], *, whose: str, data: str) -> None:
    """Check that the classes of data are those that a network was trained on.

    Args:
        trained: The classes of the network, in the order of its scores.
        found: The classes of the data, in the order of their labels.
        whose: The name of the network's file or run, for the message.
        data: The name of the data.

    Raises:
        UsageError: They differ, or their order does.
    """
    if list(trained) == list(found):
        return
    how = (
        "the same classes in a different order than"
        if sorted(trained) == sorted(found)
        else "different classes than"
    )
    trained_on = f"{whose} was trained on {how} `{data}` has"
    problem = f"{trained_on}, so its scores would be assigned to the wrong classes"
    advice = "evaluate it on data with the same classes, or rename the folders to match"
    raise UsageError("\n".join([f"{problem}; {advice}", *_both(trained, found)]), "E0620")


def _both(trained: Sequence[str], found: Sequence[str]) -> list[str]:
    """Return a line for each list; of long ones, what is not in its place in the other."""
    if max(len(trained), len(found)) <= SHORT:
        return [f"  in training: {_listed(trained)}", f"  in the data: {_listed(found)}"]
    pairs = [(old, new) for old, new in zip_longest(trained, found) if old != new]
    more = f", and {len(pairs) - NAMED:,} more" if len(pairs) > NAMED else ""
    old, new = ([each[side] for each in pairs[:NAMED] if each[side] is not None] for side in (0, 1))
    return [
        f"  in training: {_listed(old)}{more} of {len(trained):,}",
        f"  in the data: {_listed(new)}{more} of {len(found):,}",
    ]


def _listed(names: Sequence[str | None]) -> str:
    return ", ".join(map(str, names)) or "none of them"
