"""A million damaged texts, 100,000 layouts, and every character. Stopped at any time, it goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from resspec.source import Source
from resspec.syntax.format import lay_out
from tests.mutants import mutant, recipe_mutant
from tests.random_specs import random_spec
from tests.syntax.characters import SURROGATES, assert_named
from tests.syntax.layouts import commented, laid_out
from tests.test_mutants import examine, examine_recipe

FIRST = 1_000_000  # seeds that the tests do not use
FOLDER = Path(__file__).parents[2] / "build" / "campaign"


def test_mutants(tmp_path: Path) -> None:
    path = tmp_path / "mutant.res"
    onwards("mutants", 1_000_000, lambda seed: examine(mutant(seed), path))


def test_recipe_mutants(tmp_path: Path) -> None:
    path = tmp_path / "mutant.yaml"
    onwards("recipe-mutants", 100_000, lambda seed: examine_recipe(recipe_mutant(seed), path))


def test_layouts() -> None:
    onwards("layouts", 100_000, two_layouts)


def test_characters() -> None:
    """All 1,112,064 of Unicode."""
    points = [point for point in range(0x110000) if point not in SURROGATES]
    onwards("characters", len(points), lambda seed: assert_named(points[seed - FIRST]))


def two_layouts(seed: int) -> None:
    random = Random(seed)
    found = commented(random_spec(seed), random)
    once, again = (lay_out(Source("t.res", laid_out(found, random).replace("\r\n", "\n"))) for _ in range(2))
    assert once == again == lay_out(Source("t.res", once))


def onwards(what: str, amount: int, examine_one: Callable[[int], object]) -> None:
    """`build/campaign/WHAT.txt` holds how many were right; a failure stops there until it is gone."""
    progress = FOLDER / f"{what}.txt"
    progress.parent.mkdir(parents=True, exist_ok=True)
    done = int(progress.read_text(encoding="utf-8")) if progress.exists() else 0
    for seed in range(FIRST + done, FIRST + amount):
        examine_one(seed)
        if seed % 100 == 99:
            progress.write_text(f"{seed - FIRST + 1}\n", encoding="utf-8")
            print(f"\r{seed - FIRST + 1:,} of {amount:,} {what}", end="", flush=True)
    print()
