"""Diagnostics of recipes word for word: each `CODE-what` of recipes/ with its text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.diagnostics import Diagnostic, SpecError
from resspec.render import render
from resspec.source import Source
from resspec.training import data, errors, preflight, recipe_file
from resspec.training.plan import Job
from tests.diagnostics.test_pages import EXAMPLES, PAGES
from tests.train.small import ALONE

FOLDER = Path(__file__).parent / "recipes"
FIXTURES = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".txt")
CODES = set(re.findall(r'"(E\d{4})"', Path(errors.__file__).read_text(encoding="utf-8")))


def mistakes(path: Path) -> list[Diagnostic]:
    """Of a recipe, or of a network for the digits."""
    try:
        if path.suffix == ".yaml":
            recipe_file.parse(Source(path.name, path.read_text(encoding="utf-8")))
            return []
        recipe = recipe_file.load("digits")
        job = Job(load(path.name), recipe, data.load("digits", normalize=recipe.data.normalize))
        preflight.require([preflight.of_job(job, Path("run"), ALONE)])
        return []
    except SpecError as error:
        return list(error.diagnostics)


@pytest.mark.parametrize("name", FIXTURES)
def test_text(name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(FOLDER)
    found = mistakes(Path(name))
    text = "\n".join(map(render, found))
    expected = (FOLDER / name).with_suffix(".txt")
    if request.config.getoption("--update"):
        expected.write_text(text, encoding="utf-8", newline="")
    assert text == expected.read_bytes().decode()
    assert {diagnostic.code for diagnostic in found} == {name.partition("-")[0]}


def test_every_code_has_a_fixture_and_an_example() -> None:
    assert {name.partition("-")[0] for name in FIXTURES} == CODES
    assert sorted(code for code, _, _ in EXAMPLES if code in CODES) == sorted([*CODES, *CODES])
    titles = re.findall(
        r'"""(E\d{4}): (.*?)\."""', Path(errors.__file__).read_text(encoding="utf-8"), re.DOTALL
    )
    assert {code for code, _ in titles} == CODES
    assert all(
        PAGES[code].startswith(f"# {code}: {' '.join(title.split())}\n") for code, title in titles
    )


@pytest.mark.parametrize(
    ("i", "example"), list(enumerate(example for example in EXAMPLES if example[0] in CODES))
)
def test_an_example_is_wrong_or_right(
    i: int, example: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, mark, text = example
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ("example.yaml" if mark == "yaml" else "example.res")
    path.write_text(text, encoding="utf-8")
    assert [diagnostic.code for diagnostic in mistakes(path)] == ([] if i % 2 else [code])
