"""Any text at all ends in located diagnostics or in none, within a moment."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from resspec.commands.forms import to_sarif
from resspec.compiler import check
from resspec.diagnostics import SpecError
from resspec.render import render
from resspec.syntax.format import lay_out
from resspec.syntax.parse import read
from tests.mutants import mutant

PARTS, EACH = 30, 100


@pytest.mark.parametrize("part", range(PARTS))
def test_mutants(part: int, tmp_path: Path) -> None:
    for seed in range(part * EACH, (part + 1) * EACH):
        examine(mutant(seed), tmp_path / f"m{seed}.res")


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
