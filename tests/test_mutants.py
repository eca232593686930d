"""Any text at all ends in located diagnostics, soon, and opens no file outside of its project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from resspec.collector import paused
from resspec.commands.forms import to_sarif
from resspec.compiler import check
from resspec.diagnostics import Diagnostic, SpecError, UsageError
from resspec.render import render
from resspec.source import Source
from resspec.syntax.format import lay_out
from resspec.syntax.parse import read
from resspec.training.recipe_file import dump, load, parse
from tests.limits import soon
from tests.mutants import mutant, recipe_mutant
from tests.watched import watched

PARTS, RECIPE_PARTS, EACH = 10, 4, 100  # the campaign takes a million


@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_spec_ends_in_located_diagnostics(part: int, tmp_path: Path) -> None:
    for seed in range(part * EACH, (part + 1) * EACH):
        examine(mutant(seed), tmp_path / f"m{seed}.res")


@pytest.mark.parametrize("part", range(RECIPE_PARTS))
def test_a_damaged_recipe_ends_in_located_diagnostics(part: int, tmp_path: Path) -> None:
    for seed in range(part * EACH, (part + 1) * EACH):
        examine_recipe(recipe_mutant(seed), tmp_path / f"m{seed}.yaml")


def examine(text: bytes, path: Path) -> None:
    """Check a text and format it: its diagnostics are located, and stay the same."""
    path.write_bytes(text)
    with at_once(path):
        found = check(path)
        assert_located(found)
        assert to_sarif(found).isascii()
    if len(text) % 8 and any(diagnostic.code.startswith("E01") for diagnostic in found):
        return  # the formatter reads it as `check` did, and one in eight is enough to see that
    try:
        with at_once(path):
            after = lay_out(read(path.as_posix(), text))
    except SpecError:
        assert found
        return
    again = path.with_suffix(".laid.res")
    again.write_text(after, encoding="utf-8")
    assert [each.code for each in check(again)] == [each.code for each in found]


def examine_recipe(text: bytes, path: Path) -> None:
    path.write_bytes(text)
    with at_once(path):
        try:
            recipe = load(str(path))
            assert parse(Source("dump.yaml", dump(recipe))) == recipe
        except SpecError as error:
            assert_located(error.diagnostics)
        except UsageError as error:  # it cannot be decoded
            assert str(path) in str(error)


@contextmanager
def at_once(path: Path) -> Iterator[None]:
    """Check that the body ends soon, and opens only files of this folder and of the package.

    Garbage collection is paused: this process holds far more objects than the command's.
    """
    with watched(path.parent) as seen, paused(), soon():
        yield
    assert not seen


def assert_located(found: Sequence[Diagnostic]) -> None:
    for diagnostic in found:
        span = diagnostic.labels[0].span
        assert 0 <= span.start <= span.end <= len(span.source.text)
        assert all(line.isprintable() for line in render(diagnostic).splitlines())
