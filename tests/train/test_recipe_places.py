"""Every key of a recipe has a place that messages can point at, written or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.source import Source
from resspec.training import recipe_file

TEXT = """\
# a comment
epochs: 9
batch_size: 8
optimizer: {name: sgd, lr: 0.05}
data:
  crop: 24
  resize: [26,
           30]
"""


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("batch_size", "batch_size: 8"),
        ("optimizer", "optimizer"),
        ("optimizer.lr", "lr: 0.05"),
        ("optimizer.momentum", "optimizer"),
        ("data.crop", "crop: 24"),
        ("data.resize", "resize: [26,\n           30]"),
        ("data.test.crop", "data"),
    ],
)
def test_a_key_is_placed(key: str, text: str) -> None:
    assert recipe_file.parsed(Source("r.yaml", TEXT)).span(key).text == text


def test_a_key_of_no_section_that_is_written_is_placed_at_the_start() -> None:
    span = recipe_file.parsed(Source("r.yaml", TEXT)).span("warmup.length")
    assert (span.source.text, span.start, span.end) == (TEXT, 0, 0)


def test_a_setting_is_placed_at_its_value() -> None:
    written = recipe_file.parsed(Source("r.yaml", TEXT), [("data.test.crop", "20"), ("lr", "0.3")])
    for key, text in (("data.test.crop", "20"), ("optimizer.lr", "0.3")):
        span = written.span(key)
        assert span.text == text
        assert span.source.name.startswith("value of ")
    assert (
        written.span("data.test.resize").text == "data"
    )  # the section that is written in the file
    assert written.recipe.data.test.crop == 20


def test_a_file_and_its_recipe(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(TEXT, encoding="utf-8")
    written = recipe_file.read(str(path))
    assert written.recipe == recipe_file.load(str(path))
    assert written.span("batch_size").source.name == str(path)
