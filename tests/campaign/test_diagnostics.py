"""10,000 files of planted mistakes, their fixes, and 10,000 with a brace less or more."""

from collections import Counter

from tests.campaign.progress import tally
from tests.diagnostics.test_fixes import mended
from tests.planted import planted
from tests.test_planted import braced, compared, is_good, written


def test_planted() -> None:
    score = tally("planted", 10_000, lambda seed, folder: compared(seed, folder / "planted.res"))
    assert score["missed"] == 0 and score["surplus"] <= score["files"] / 100
    is_good(score)


def test_braces() -> None:
    score = tally("braces", 10_000, lambda seed, folder: braced(seed, folder / "braces.res"))
    assert score["found"] >= 0.9 * score["wrong"]


def test_fixes() -> None:
    tally(
        "fixes",
        10_000,
        lambda seed, folder: Counter(fixes=mended(written(planted(seed)[0], folder))),
    )
