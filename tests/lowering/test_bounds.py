"""A spec cannot expand without bound: what is too large is refused by arithmetic, before it is
made.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.compiler import check
from resspec.diagnostics import Diagnostic
from tests.limits import soon

ROW = (
    "block row = "
    + " -> ".join(["relu"] * 100)
    + "\nblock rows = "
    + " -> ".join(["row"] * 100)
    + "\n"
)
DEEP = "block deep(k) { 1_000_000 x relu }\n"
NOTHING = "block nothing { add { identity | identity } }\n"


def mistakes(tmp_path: Path, body: str, declarations: str = "") -> list[Diagnostic]:
    path = tmp_path / "large.res"
    path.write_text(f"{declarations}network large {{ input 8x16x16; {body} }}", encoding="utf-8")
    return check(path)


@pytest.mark.parametrize(
    ("body", "declarations", "code"),
    [
        ("stage s: 1000 x 1000 x 1000 x relu", "", "E0310"),
        ("; ".join(f"stage s{i}: 1_000_000 x relu" for i in range(100)), "", "E0310"),
        ("stage s: add { " + " | ".join(f"deep {i}" for i in range(100)) + " }", DEEP, "E0310"),
        ("stage s: 10_000_000 x nothing", NOTHING, "E0310"),
        ("stage s: 10_000_000 x add { identity | identity }", "", "E0310"),
        ("stage s: 9 x a: rows -> b: rows -> c: rows", ROW, "E0314"),
    ],
)
def test_refused(tmp_path: Path, body: str, declarations: str, code: str) -> None:
    with soon(seconds=5):
        assert code in {diagnostic.code for diagnostic in mistakes(tmp_path, body, declarations)}


@pytest.mark.parametrize(
    "body",
    ["stage s: 300_000 x relu", "stage s0..: 100_000 x relu", "stage s: 10_000_000 x 0 x relu"],
)
def test_large_and_yet_a_network(tmp_path: Path, body: str) -> None:
    assert mistakes(tmp_path, body) == []


@pytest.mark.parametrize(
    ("label", "clashes"), [("relu1", True), ("relu9", True), ("relu10", False)]
)
def test_names_of_nested_repeats_are_all_taken(tmp_path: Path, label: str, clashes: bool) -> None:
    found = mistakes(tmp_path, f"stem 3 x {{ relu -> 2 x relu }} -> {label}: bn")
    assert [diagnostic.code for diagnostic in found] == ["E0235"] * clashes
