"""10,000 files of planted mistakes, their fixes, and 10,000 with a brace less or more. Stopped at any time, it goes on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.campaign.test_front_end import FIRST, FOLDER
from tests.diagnostics.test_fixes import mended
from tests.planted import planted
from tests.test_planted import braced, compared, is_good, written


def test_planted(tmp_path: Path) -> None:
    score = tally("planted", 10_000, lambda seed: compared(seed, tmp_path / "planted.res"))
    assert score["missed"] == 0 and score["surplus"] <= score["files"] / 100
    is_good(score)


def test_braces(tmp_path: Path) -> None:
    score = tally("braces", 10_000, lambda seed: braced(seed, tmp_path / "braces.res"))
    assert score["found"] >= 0.9 * score["wrong"]


def test_fixes(tmp_path: Path) -> None:
    tally("fixes", 10_000, lambda seed: Counter(fixes=mended(written(planted(seed)[0], tmp_path))))


def tally(what: str, files: int, examine_one: Callable[[int], Counter[str]]) -> Counter[str]:
    """The sum over so many files, `build/campaign/WHAT.json` as far as it is known."""
    path = FOLDER / f"{what}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    score = Counter(json.loads(path.read_bytes()) if path.exists() else {})
    while score["files"] < files:
        score += Counter(files=1) + examine_one(FIRST + score["files"])
        if score["files"] % 100 == 0:
            path.write_text(json.dumps(score) + "\n", encoding="utf-8")
            print(f"\r{score['files']:,} of {files:,} {what}", end="", flush=True)
    return score
