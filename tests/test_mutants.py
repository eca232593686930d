"""Any text at all ends in located diagnostics or in none, within a moment, and reads nothing but files of its project."""

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
from resspec.train.recipe_file import dump, load, parse
from tests.limits import soon
from tests.mutants import mutant, recipe_mutant
from tests.watched import watched

PARTS, RECIPE_PARTS, EACH = 30, 10, 100


@pytest.mark.parametrize("part", range(PARTS))
def test_mutants(part: int, tmp_path: Path) -> None:
    for seed in range(part * EACH, (part + 1) * EACH):
        examine(mutant(seed), tmp_path / f"m{seed}.res")


@pytest.mark.parametrize("part", range(RECIPE_PARTS))
def test_recipe_mutants(part: int, tmp_path: Path) -> None:
    for seed in range(part * EACH, (part + 1) * EACH):
        examine_recipe(recipe_mutant(seed), tmp_path / f"m{seed}.yaml")


def examine(text: bytes, path: Path) -> None:
    """What `check` says of it, in each form, and what `fmt` makes of it."""
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
        except UsageError as error:  # what cannot be read as a text
            assert str(path) in str(error)


@contextmanager
def at_once(path: Path) -> Iterator[None]:
    """Soon, as in a process that has nothing else to collect, and nothing but files of its folder and of the package is
    touched."""
    with watched(path.parent) as seen, paused(), soon():
        yield
    assert not seen


def assert_located(found: Sequence[Diagnostic]) -> None:
    for diagnostic in found:
        span = diagnostic.labels[0].span
        assert 0 <= span.start <= span.end <= len(span.source.text)
        assert all(line.isprintable() for line in render(diagnostic).splitlines())
