"""Every code has a page, and the examples of the pages are as wrong and as right as they claim."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resspec import cli, shipped
from resspec.commands.explain import page
from resspec.compiler import examine
from tests.diagnostics.test_fixtures import pages as docstrings

PAGES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in shipped.path("grammar", "diagnostics").glob("*.md")
}
EXAMPLES = [
    (code, mark, text)
    for code, page in sorted(PAGES.items())
    for mark, text in re.findall(r"^```(?:res *)?(.*?)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
]
UNSHOWN = {
    "E0102",
    "E0110",
    "E0215",
    "E0216",
    "E0237",
    "E0313",
}  # too long, or of several files: their fixtures show them


def test_pages_and_codes_are_the_same() -> None:
    assert {code for code in PAGES if code < "E04" or code[0] == "W"} == {
        code for code, _ in docstrings()
    }


@pytest.mark.parametrize(("code", "title"), docstrings())
def test_a_page_begins_with_what_the_code_is(code: str, title: str) -> None:
    assert PAGES[code].startswith(f"# {code}: {' '.join(title.split()).removesuffix('.')}\n")
    shown = [text for owner, _, text in EXAMPLES if owner == code]
    assert len(shown) == (0 if code in UNSHOWN else 2)
    assert max(map(len, page(code).splitlines())) <= 120 and "```" not in page(code)


OF_SPECS = [
    example for example in EXAMPLES if example[0] < "E04" or example[0][0] == "W"
]  # of recipes: test_recipes.py


@pytest.mark.parametrize(
    ("code", "mark", "text"),
    OF_SPECS,
    ids=[f"{code}-{'right' if i % 2 else 'wrong'}" for i, (code, _, _) in enumerate(OF_SPECS)],
)
def test_an_example_is_wrong_or_right(code: str, mark: str, text: str, tmp_path: Path) -> None:
    position = [example for example in EXAMPLES if example[0] == code].index((code, mark, text))
    path = written(mark, text, tmp_path)
    examined = examine(path)
    found = examined.diagnostics or examined.warnings()
    assert {diagnostic.code for diagnostic in found} == ({code} if position == 0 else set())


def written(mark: str, text: str, folder: Path) -> Path:
    """A file of declarations, or of a network of these clauses, or of this chain as its stem."""
    if mark == "chain":
        text = f"input 16x32x32; stem {text}"
    if mark in ("chain", "clauses"):
        text = f"network example {{\n{text.rstrip()}\nhead avgpool -> fc 10\n}}\n"
    path = folder / "example.res"
    path.write_bytes(text.encode().replace(rb"\x00", b"\0") if mark == "escaped" else text.encode())
    return path


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["explain", "e0107"]) == 0
    out = capsys.readouterr().out
    assert (
        out.startswith("E0107: arguments are separated")
        and "Wrong:\n\n    conv 3x3, 64 /2\n\nRight:\n" in out
    )
    assert cli.run(["explain", "E0109x"]) == 2
    assert (
        capsys.readouterr().err == "error: there is no diagnostic 'E0109x'; did you mean E0109?\n"
    )
