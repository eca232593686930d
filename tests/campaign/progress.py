"""Campaigns that can be stopped at any time: `build/campaign/WHAT.txt` holds how many were right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

FIRST = 1_000_000  # seeds that the tests do not use
FOLDER = Path(__file__).parents[2] / "build" / "campaign"


def onwards(what: str, amount: int, examine: Callable[[int], object], *, each: int = 1) -> None:
    """`examine` is given a seed, and looks at `each` of them; a failure stops there until it is gone."""
    progress = FOLDER / f"{what}.txt"
    progress.parent.mkdir(parents=True, exist_ok=True)
    done = int(progress.read_text(encoding="utf-8")) if progress.exists() else 0
    while done < amount:
        examine(FIRST + done)
        done += each
        progress.write_text(f"{done}\n", encoding="utf-8")
        print(f"\r{done:,} of {amount:,} {what}", end="", flush=True)
    print()
