"""Any text at all ends in located diagnostics or in none, within a moment, and reads nothing but files of its project."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from resspec.commands.forms import to_sarif
from resspec.compiler import check
from resspec.diagnostics import SpecError, UsageError
from resspec.render import render
from resspec.syntax.format import lay_out
from resspec.syntax.parse import read
from resspec.train.recipe_file import load
from tests.mutants import mutant, recipe_mutant
from tests.watched import watched

PARTS, RECIPE_PARTS, EACH = 30, 10, 100


@pytest.mark.parametrize("part", range(PARTS))
def test_mutants(part: int, tmp_path: Path) -> None:
    examine(mutant(0), tmp_path / "first.res")  # imports what is imported late
    for seed in range(part * EACH, (part + 1) * EACH):
        with watched(tmp_path) as seen:
            examine(mutant(seed), tmp_path / f"m{seed}.res")
        assert not seen


@pytest.mark.parametrize("part", range(RECIPE_PARTS))
def test_recipe_mutants(part: int, tmp_path: Path) -> None:
    examine_recipe(recipe_mutant(0), tmp_path / "first.yaml")
    for seed in range(part * EACH, (part + 1) * EACH):
        with watched(tmp_path) as seen:
            examine_recipe(recipe_mutant(seed), tmp_path / f"m{seed}.yaml")
        assert not seen


def examine_recipe(text: bytes, path: Path) -> None:
    path.write_bytes(text)
    start = time.process_time()
    try:
        load(str(path))
    except SpecError as error:
        for diagnostic in error.diagnostics:
            span = diagnostic.labels[0].span
            assert 0 <= span.start <= span.end <= len(span.source.text)
            assert all(line.isprintable() for line in render(diagnostic).splitlines())
    except UsageError as error:  # what cannot be read as a text
        assert str(path) in str(error)
    assert time.process_time() - start < 1, path


def examine(text: bytes, path: Path) -> None:
    """What `check` says of it, in each form, and what `fmt` makes of it."""
    path.write_bytes(text)
    start = time.process_time()
    found = check(path)
    assert time.process_time() - start < 1, path
    for diagnostic in found:
        span = diagnostic.labels[0].span
        assert 0 <= span.start <= span.end <= len(span.source.text)
        assert all(line.isprintable() for line in render(diagnostic).splitlines())
    assert to_sarif(found).isascii()
    try:
        source = read(path.as_posix(), text)
        after = lay_out(source)
    except SpecError:
        assert found
        return
    again = path.with_suffix(".laid.res")
    again.write_text(after, encoding="utf-8")
    assert [each.code for each in check(again)] == [each.code for each in found]
