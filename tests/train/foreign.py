"""Advice about a recipe, followed to the letter."""

from __future__ import annotations

import re
from typing import Any

import pytest

from resspec.diagnostics import Diagnostic, SpecError
from resspec.source import Source
from resspec.training import recipe_file
from resspec.training.recipe import Recipe

BASE = "epochs: 9\nbatch_size: 8\n"


def mistakes(text: str, *settings: tuple[str, str]) -> tuple[Diagnostic, ...]:
    """What is said of a recipe."""
    with pytest.raises(SpecError) as caught:
        recipe_file.parse(Source("recipe.yaml", text), settings)
    return caught.value.diagnostics


def followed(text: str, help: str, section: str = "") -> Recipe:
    """The recipe after an advice was followed, in `section` where it is about a key of that."""
    return recipe_file.parse(Source("recipe.yaml", text), _settings(help, section))


def _settings(help: str, section: str) -> list[tuple[str, str]]:
    found = []
    inside = re.sub(r" outside of `[^`]*`|change `[^`]*` to ", "", help)
    for written, owner in re.findall(r"`([^`]*)`(?: to `([^`]*)`)?", inside):
        key, _, value = written.partition(": ")
        around = owner or ("" if "outside" in help or key in Recipe.model_fields else section)
        found.append((f"{around}.{key}" if around else key, value))
    return found


def value_of(recipe: Recipe, key: str) -> Any:
    """What a recipe has at a dotted key, as JSON."""
    value: Any = recipe.model_dump(mode="json")
    for word in key.split("."):
        value = value[word]
    return value
