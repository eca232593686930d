"""10,000 files of planted mistakes, their fixes, and 10,000 with a brace missing or extra."""

from collections import Counter

from tests.campaign.progress import count_outcomes
from tests.diagnostics.test_fixes import mended
from tests.planted import planted
from tests.test_planted import braced, compared, is_good, written


def test_planted_mistakes_are_found_without_noise() -> None:
    score = count_outcomes(
        "planted", 10_000, lambda seed, folder: compared(seed, folder / "planted.res")
    )
    assert score["missed"] == 0 and score["surplus"] <= score["files"] / 100
    is_good(score)


def test_braces_are_found_in_nine_of_ten_files() -> None:
    score = count_outcomes(
        "braces", 10_000, lambda seed, folder: braced(seed, folder / "braces.res")
    )
    assert score["found"] >= 0.9 * score["wrong"]


def test_fixes_are_right() -> None:
    count_outcomes(
        "fixes",
        10_000,
        lambda seed, folder: Counter(fixes=mended(written(planted(seed)[0], folder))),
    )
