"""The recipes that docs/recipes.md shows: each of them trains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.source import Source
from resspec.training import data, recipe_file, trainer
from resspec.training.output.progress import shown
from resspec.training.plan import Job
from tests.train.small import ALONE

TEXT = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SHORT = [("batch_size", "16"), ("checkpoint", "2 iterations"), ("log", "1")]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_trains(text: str, tmp_path: Path) -> None:
    recipe_file.parse(Source("recipes.md", text))
    parsed = recipe_file.parsed(Source("recipes.md", text), [*SHORT, ("epochs", "0.04")])
    recipe = parsed.recipe
    images = data.load("digits", normalize=recipe.data.normalize)
    job = Job(load("digits"), recipe, images, written=parsed)
    plan = trainer.planned(job, tmp_path / "run", ALONE)
    result = trainer.train(plan, tmp_path / "run", show=shown(visible=False))
    assert result.facts["total"] == len(images.test)
