"""Diagnostics word for word: each `CODE-what.res` of this folder with its `CODE-what.txt`."""

from __future__ import annotations

import re
from inspect import getmembers, getsource, isfunction
from pathlib import Path

import pytest

from resspec import lint as warnings
from resspec import shipped
from resspec.compiler import examine
from resspec.lowering import argument_errors, clause_errors, name_errors, shape_errors
from resspec.lowering import lint as cautions
from resspec.lowering.expectations import budgets
from resspec.render import render
from resspec.syntax import errors as syntax
from resspec.texts import project_root

MODULES = (syntax, name_errors, argument_errors, clause_errors, shape_errors, cautions, warnings)
FOLDER = Path(__file__).parent
FIXTURES = sorted(path.stem for path in FOLDER.glob("*.res"))
LARGE = "E0102-large"  # too large to be kept: it is made
TEMPLATE = "E0237-template"  # a mistake only where a network is needed


@pytest.mark.parametrize("name", [*FIXTURES, LARGE])
def test_text(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path if name == LARGE else FOLDER)
    path = Path(f"{name}.res")
    if name == LARGE:
        path.write_text("#" * (1 << 20) + "\n", encoding="utf-8")
    examined = (
        examine(f"{path}:mine", budgets(["params > 0"])) if name == TEMPLATE else examine(path)
    )
    found = examined.diagnostics or examined.warnings()
    text = "\n".join(map(render, found)).replace(str(project_root(path)), "PROJECT")
    expected = FOLDER / f"{name}.txt"
    if request.config.getoption("--update"):
        expected.write_text(text, encoding="utf-8", newline="")
    assert text == expected.read_bytes().decode()
    code = name.split("-", maxsplit=1)[0]
    assert len(found) > 1 if code == "many" else {diagnostic.code for diagnostic in found} == {code}


def pages() -> list[tuple[str, str]]:
    """Every code with its page."""
    functions = [
        function
        for module in MODULES
        for name, function in getmembers(module, isfunction)
        if function.__module__ == module.__name__
        and re.match(r"[EW]\d{4}: ", function.__doc__ or "")
    ]
    texts = [function.__doc__ or "" for function in functions]
    assert all(re.match(r"[EW]\d{4}: ", text) for text in texts)
    return [
        page
        for text in texts
        for page in re.findall(r"([EW]\d{4}): (.*?)(?=E\d{4}: |\Z)", text, re.DOTALL)
    ]


def test_every_diagnostic_has_a_code_of_its_own_with_a_page() -> None:
    codes = [code for code, _ in pages()]
    assert sorted(set(codes)) == sorted(codes)
    for module in MODULES:
        assert set(re.findall(r'"([EW]\d{4})"', getsource(module))) <= set(codes)
    assert all(page.strip().endswith(".") for _, page in pages())


def test_codes_pages_and_fixtures_are_the_same() -> None:
    """All codes: of specs, recipes (recipes/), ONNX (onnx/), networks from elsewhere (imports/),
    and those without a place (runs/)."""
    files = Path(warnings.__file__).parent.rglob("*.py")
    codes = {
        code
        for path in files
        for code in re.findall(r'"([EW]\d{4})"', path.read_text(encoding="utf-8"))
    }
    shown = {path.name.partition("-")[0].removesuffix(".txt") for path in FOLDER.rglob("*.txt")} - {
        "many"
    }
    assert codes == {path.stem for path in shipped.path("grammar", "diagnostics").iterdir()}
    assert codes == shown


def test_every_fixture_has_its_text_and_no_other_is_there() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == sorted([*FIXTURES, LARGE])


def test_a_help_is_of_one_code() -> None:
    """Of all codes: what helps against two mistakes alike says too little of one of them."""
    codes: dict[str, set[str]] = {}
    for path in FOLDER.rglob("*.txt"):
        for diagnostic in re.split(
            r"^(?=\w+\[)", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        )[1:]:
            for help in re.findall(r"^ += help: (.+)", diagnostic, re.MULTILINE):
                codes.setdefault(help, set()).add(diagnostic.partition("]")[0])
    assert len(codes) > 200
    assert {help: sorted(found) for help, found in codes.items() if len(found) > 1} == {}
