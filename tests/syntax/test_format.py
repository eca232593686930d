"""One canonical layout: it depends on words and comments alone, and keeps them all."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from resspec.diagnostics import SpecError
from resspec.ir.fingerprint import fingerprint
from resspec.source import Source
from resspec.syntax.format import lay_out
from resspec.syntax.layout import WIDTH
from resspec.syntax.parse import read
from resspec.syntax.words import words
from tests.random_specs import random_spec
from tests.syntax.layouts import commented, laid_out
from tests.texts import load_text

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.res"))
SHAPES = Path(__file__).parent / "layouts.res"


def formatted(text: str) -> str:
    return lay_out(read("t.res", text.encode()))


@pytest.mark.parametrize("seed", range(40))  # the campaign takes 100,000
def test_two_layouts_of_the_same_words_give_the_same_bytes(seed: int) -> None:
    random = Random(seed)
    found = commented(random_spec(seed), random)
    text = laid_out(found, random)
    assert words(read("t.res", text.encode())) == found
    once = formatted(text)
    assert words(Source("t.res", once)) == found
    assert formatted(once) == once
    assert formatted(laid_out(found, random)) == once
    assert "\t" not in once.replace("\t x", "") and not any(
        line != line.rstrip() for line in once.splitlines()
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_meaning_stays(seed: int, tmp_path: Path) -> None:
    text = random_spec(seed)
    assert fingerprint(load_text(tmp_path, formatted(text))) == fingerprint(
        load_text(tmp_path, text)
    )


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_that_is_shipped_has_it(path: Path) -> None:
    text = path.read_bytes().decode()
    assert formatted(text) == text
    assert (
        max(len(line.partition("    #")[0]) for line in text.splitlines() if line[:1] != "#")
        <= WIDTH
    )


def test_every_layout_of_the_example_formats_to_it() -> None:
    """What it does, by example."""
    text = SHAPES.read_text(encoding="utf-8")
    assert formatted(text) == text
    random = Random(0)
    found = words(Source("t.res", text))
    for _ in range(20):
        assert formatted(laid_out(found, random)) == text


@pytest.mark.parametrize(
    "text",
    ["", "# only\n", "block b = ", "network n { input 3x8x8", "block b = relu\0", "block b = é"],
)
def test_what_does_not_parse_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        formatted(text)


def test_a_slash_and_a_minus_stay_what_they_are() -> None:
    text = "block b(w=-1) = conv 3x3, 2 * (w - -1), /2 -> f -1, - 1 - 1, w -1, / # c\n2, (1 / 2), 7 // 2, k=- (w)"
    assert formatted(text.replace("/ #", "/#")) == (
        "block b(w=-1) = conv 3x3, 2 * (w - -1), /2\n"
        "             -> f -1, -1 - 1, w - 1, /# c\n"
        "                    2, (1 / 2), 7 // 2, k=-(w)\n"
    )
