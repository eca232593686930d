"""A million damaged specs, 100,000 damaged recipes, 100,000 layouts, and every character."""

from __future__ import annotations

from random import Random

from resspec.source import Source
from resspec.syntax.format import lay_out
from tests.campaign.progress import FIRST_SEED, run_campaign
from tests.mutants import mutant, recipe_mutant
from tests.random_specs import random_spec
from tests.syntax.characters import SURROGATES, assert_named
from tests.syntax.layouts import commented, laid_out
from tests.test_mutants import examine, examine_recipe


def test_damaged_specs_end_in_diagnostics() -> None:
    run_campaign(
        "mutants", 1_000_000, lambda seed, folder: examine(mutant(seed), folder / "mutant.res")
    )


def test_damaged_recipes_end_in_diagnostics() -> None:
    run_campaign(
        "recipe-mutants",
        100_000,
        lambda seed, folder: examine_recipe(recipe_mutant(seed), folder / "mutant.yaml"),
    )


def test_layouts_of_a_spec_format_to_one_text() -> None:
    run_campaign("layouts", 100_000, lambda seed, _: assert_one_format(seed))


def test_characters_are_named_by_their_code_point() -> None:
    """All 1,112,064 of Unicode."""
    points = [point for point in range(0x110000) if point not in SURROGATES]
    run_campaign("characters", len(points), lambda seed, _: assert_named(points[seed - FIRST_SEED]))


def assert_one_format(seed: int) -> None:
    random = Random(seed)
    found = commented(random_spec(seed), random)
    once, again = (
        lay_out(Source("t.res", laid_out(found, random).replace("\r\n", "\n"))) for _ in range(2)
    )
    assert once == again == lay_out(Source("t.res", once))
