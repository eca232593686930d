"""The front end is linear in the length of a text.

A text of any kind that is twice as long takes at most 2.5 times as long to check and to format,
and so do its diagnostics.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from time import process_time

import pytest

from resspec.collector import paused
from resspec.compiler import check
from resspec.diagnostics import SpecError
from resspec.render import render
from resspec.source import Source
from resspec.syntax.format import lay_out
from tests.syntax.pumps import PUMPS

SIZES = [1 << 18, 1 << 19, 1 << 20]
LIMIT, ROUNDS = 2.5, 4


@pytest.mark.parametrize("name", PUMPS)
def test_twice_as_long_takes_twice_as_long(name: str, tmp_path: Path) -> None:
    """CPU time, the best of a few rounds; no more of them than it takes to be sure."""
    print(f"\n{name}: ", end="", flush=True)
    best = [float("inf")] * len(SIZES)
    for _ in range(ROUNDS):
        taken = [seconds(PUMPS[name].text(size), tmp_path / "pump.res") for size in SIZES]
        best = [min(both) for both in zip(best, taken, strict=True)]
        ratios = [after / before for before, after in pairwise(best)]
        if max(ratios) <= LIMIT:
            break
    shown = (
        ", ".join(f"{each:.2f} s" for each in best),
        ", ".join(f"{ratio:.2f}" for ratio in ratios),
    )
    output = f"{shown[0]}; each doubling {shown[1]} times; at most {LIMIT}"
    print(output, flush=True)
    assert max(ratios) <= LIMIT, f"{name}: {output}"


def seconds(text: str, path: Path) -> float:
    """Time checking, rendering and formatting, without garbage collection, as the commands run."""
    path.write_text(text, encoding="utf-8")
    with paused():
        start = process_time()
        for diagnostic in check(path):
            render(diagnostic)
        with suppress(SpecError):
            lay_out(Source(path.name, text))
        return process_time() - start
