"""A diff that lowers what both sides share only once equals one that does each by itself."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from resspec.backends.diff import DiffSide, diff
from resspec.backends.diff.json import to_json
from resspec.backends.report import report
from resspec.compiler import Shared, load, load_revised
from resspec.diagnostics import SpecError
from resspec.passes.quantities import Known
from tests.random_specs import random_spec

BLOCKS = """
let narrow = 4
block unit(width, act=relu) {
    residual a: conv 3x3, width, /stride -> bn -> act -> conv 3x3, narrow * 4 -> bn
    shortcut
    after act
}
block pair(width) { unit width -> inner: unit width, silu }
shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }
"""


def written(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.res"
    path.write_text(text, encoding="utf-8")
    return f"{path}:n"


def edited(text: str, random: Random) -> str:
    """Return a text with a comment on top, so that all lines move, and one number changed."""
    numbers = [
        found for found in re.finditer(r"(?<=[ ,(])\d+(?=[,; \n)])", text) if int(found[0]) > 1
    ]
    for found in sorted(
        random.sample(numbers, min(2, len(numbers))), key=lambda found: -found.start()
    ):
        text = text[: found.start()] + str(int(found[0]) * 2) + text[found.end() :]
    return "# another file\n\n" + text


def both_ways(a: str, b: str) -> tuple[str, str]:
    known, shared = Known(), Shared()
    loaded = [load_revised(spec, shared) for spec in (a, b)]
    sides = [
        DiffSide(report(each.network, known=known), each.network, each.place) for each in loaded
    ]
    alone = [DiffSide(report(network), network) for network in map(load, (a, b))]
    return to_json(diff(sides[0], sides[1], known.digests)), to_json(diff(alone[0], alone[1]))


@pytest.mark.parametrize("seed", range(60))
def test_sharing_changes_nothing(tmp_path: Path, seed: int) -> None:
    text = random_spec(seed)
    a = written(tmp_path, "a", text)
    for attempt in range(8):
        b = written(tmp_path, "b", edited(text, Random(8 * seed + attempt)))
        try:
            load(b)
        except SpecError:
            continue
        shared, alone = both_ways(a, b)
        assert shared == alone
        return


STAGES = [
    "unit 4 -> unit 8",
    "unit 16, silu -> pair 8",
    "pair 4 -> 2 x unit 6 -> unit 8, /2",
    "3 x pair 4",
]


@pytest.mark.parametrize("stage", STAGES)
def test_places_are_those_of_each_file(tmp_path: Path, stage: str) -> None:
    text = f"{BLOCKS}network n {{\n input 16x8x8\n shortcut B\n stage s: {stage}\n head avgpool -> fc 2\n}}\n"
    a = written(tmp_path, "a", text)
    b = written(tmp_path, "b", "\n# moved\n" + text.replace("stage s:", "stage s: unit 12 ->"))
    shared, alone = both_ways(a, b)
    assert shared == alone
    assert "b.res:" in shared
