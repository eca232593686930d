"""Each fix over all fixtures removes its diagnostic, adds none, and keeps the comments."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from resspec.compiler import check
from resspec.fixes import fixed
from tests.diagnostics.test_fixtures import FIXTURES, FOLDER


def fixes(name: str) -> int:
    return sum(diagnostic.fix is not None for diagnostic in check(FOLDER / f"{name}.res"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(FOLDER / "lib", tmp_path / "lib")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fix_removes_its_diagnostic_and_adds_none(name: str, folder: Path) -> None:
    shutil.copy(FOLDER / f"{name}.res", folder)
    mended(Path(f"{name}.res"))


def mended(path: Path) -> int:
    """How many fixes a file has, each of which, made alone, does what it should."""
    found, before = check(path), path.read_bytes()
    own = [each for each in found if each.fix and each.fix.span.source.name == path.as_posix()]
    for diagnostic in own:
        source = diagnostic.labels[0].span.source
        path.write_text(fixed(source.name, source.text, [diagnostic]), encoding="utf-8")
        assert remarks(path.read_text(encoding="utf-8")) == remarks(source.text)
        left, expected = (
            Counter(other.code for other in diagnostics) for diagnostics in (check(path), found)
        )
        expected[diagnostic.code] -= 1
        assert left <= expected, diagnostic
        path.write_bytes(before)
    return len(own)


def test_many_are_fixed() -> None:
    with_fixes = {name.partition("-")[0] for name in FIXTURES if fixes(name)}
    assert with_fixes >= {
        "E0101",
        "E0103",
        "E0107",
        "E0115",
        "E0116",
        "E0117",
        "E0118",
        "E0119",
        "E0201",
        "E0202",
        "E0203",
        "E0204",
        "E0205",
        "E0217",
        "E0225",
        "E0226",
        "E0227",
        "E0228",
        "E0229",
        "E0236",
        "E0242",
    }


def remarks(text: str) -> list[str]:
    """The comments, but for what nobody sees in them."""
    return re.findall(
        r"#[^\n]*", "".join(char for char in text if char == "\n" or char.isprintable())
    )
