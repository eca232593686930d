"""Every key of a recipe acts somewhere: code outside of its definition reads it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import resspec
from resspec.training import recipe
from resspec.training.recipes import images
from resspec.training.recipes.kinds import RecipeSection

ROOT = Path(resspec.__file__).parent
DEFINITIONS = {ROOT / "training" / "recipe.py", ROOT / "training" / "recipes"}
SECTIONS = [
    value
    for value in (vars(recipe) | vars(images)).values()
    if isinstance(value, type) and issubclass(value, RecipeSection) and value.model_fields
]


THROUGH_DURATION = {"epochs", "iterations"}  # `Recipe.duration` reads them


@cache
def attributes() -> frozenset[str]:
    """The names of all attributes that the package reads, where recipes are not defined."""
    return frozenset(
        name
        for path in ROOT.rglob("*.py")
        if not DEFINITIONS & {path, *path.parents}
        for name in read(path)
    )


def read(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Load()):
                yield name
            case ast.MatchClass(kwd_attrs=names):
                yield from names


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_is_read(section: type[RecipeSection]) -> None:
    unread = section.model_fields.keys() - attributes() - THROUGH_DURATION
    assert not unread, f"no code reads {', '.join(sorted(unread))}"
