"""Planted mistakes are reported at their places with the word that was meant, and no others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from resspec.compiler import check
from resspec.diagnostics import Diagnostic
from resspec.suggest import alike
from resspec.syntax.errors import OPENINGS
from tests.diagnostics.test_fixes import mended
from tests.planted import Plant, known_words, misbraced, planted

WRONG_WORDS = ("name", "number", "word")
NOTHING_ALIKE = """transformer attention softmax embedding lstm einsum reshape permute squeeze_excite dense_layer
    upsample_bilinear banana zebra question foo quux parameterized fully_connected normalization activation_function
    torch tensor python import lambda yield checkpoint learning dataset cifar100 imagenet21k""".split()


ONCE_MISSED = (1_000_592, 1_000_840)  # `int` for `init`, before a law


def test_all_planted_mistakes_are_found_and_no_other(tmp_path: Path) -> None:
    seeds = [*range(60), *ONCE_MISSED]
    score = sum((compared(seed, tmp_path / "planted.res") for seed in seeds), Counter[str]())
    assert score["planted"] > 200 and score["shape"] > 30
    assert score["missed"] == 0 and score["surplus"] <= 1
    is_good(score)


def is_good(score: Counter[str]) -> None:
    """Check that 99 % of the wrong words are marked exactly, and of the typos corrected."""
    assert score["exact"] >= 0.99 * score["token"]
    assert score["corrected"] >= 0.99 * score["typo"]


def compared(seed: int, path: Path) -> Counter[str]:
    """Count a file's planted mistakes, and those found, marked exactly, and corrected."""
    text, plants = planted(seed)
    path.write_text(text, encoding="utf-8")
    left, score = check(path), Counter(planted=len(plants))
    for plant in plants:
        score[plant.kind] += 1
        score["token"] += plant.kind in WRONG_WORDS
        score["typo"] += plant.meant is not None
        if (found := _found(plant, left)) is None:
            score["missed"] += 1
            continue
        left.remove(found)
        span = found.labels[0].span
        score["exact"] += plant.kind in WRONG_WORDS and (span.start, span.end) == (
            plant.start,
            plant.end,
        )
        score["corrected"] += plant.meant is not None and f"`{plant.meant}`" in (found.help or "")
    score["surplus"] = len(left)
    return score


def _found(plant: Plant, diagnostics: list[Diagnostic]) -> Diagnostic | None:
    """Find the diagnostic at a plant: of its code and touching it; for syntax, on its line. The
    shorter of two lists may be marked second.
    """
    for each in diagnostics:
        starts = {label.span.start for label in each.labels}
        if plant.kind == "list" and each.code in plant.codes and plant.start in starts:
            return each
        span = each.labels[0].span
        between = span.source.text[min(span.start, plant.start) : max(span.start, plant.start)]
        is_touching = (
            each.code in plant.codes and span.start <= plant.end and plant.start <= span.end
        )
        if is_touching or (plant.kind == "syntax" and "\n" not in between):
            return each
    return None


def test_a_brace_is_looked_for_where_it_is_missing(tmp_path: Path) -> None:
    score = sum((braced(seed, tmp_path / "braces.res") for seed in range(60)), Counter[str]())
    assert score["found"] >= 0.9 * score["wrong"] > 40


def braced(seed: int, path: Path) -> Counter[str]:
    """Count whether a misplaced brace makes a mistake, and is found on a line one would mark."""
    text, lines = misbraced(seed)
    path.write_text(text, encoding="utf-8")
    found = check(path)
    where = {each.labels[0].span.source.place(each.labels[0].span.start)[0] for each in found}
    return Counter(wrong=bool(found), found=bool(where & lines))


@pytest.mark.parametrize("part", range(2))
def test_fixes_of_planted_mistakes(part: int, tmp_path: Path) -> None:
    assert (
        sum(
            mended(written(planted(seed)[0], tmp_path)) for seed in range(part * 15, part * 15 + 15)
        )
        > 15
    )


def written(text: str, folder: Path) -> Path:
    path = folder / "planted.res"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("word", NOTHING_ALIKE)
def test_words_that_resemble_nothing(word: str) -> None:
    assert alike(word, {*known_words(), *OPENINGS} - {word}) == ()
