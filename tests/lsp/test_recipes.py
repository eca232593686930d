"""Recipes by the same server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lsp.editor import Editor

RECIPE = """\
epochs: 90
batch_size: 256
optimizer:
  name: sgd
  lr: 0.1
data:
  hflip: 0.5
  test:
    crop: 224
"""
SHIPPED = sorted(Path("specs/recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recipes_have_no_mistakes(path: Path, tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    assert editor.problems[editor.open(path.name, path.read_text())] == []


def test_mistakes_are_those_of_train_with_their_fixes(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    uri = editor.open(
        "a.yaml", RECIPE.replace("  lr:", "  learning_rate:").replace("hflip", "hflp")
    )
    found = [(each["code"], each["range"]["start"]["line"]) for each in editor.problems[uri]]
    assert found == [("E0540", 4), ("E0505", 6)]
    editor.change(uri, {"text": RECIPE})
    assert editor.problems[uri] == []


def test_other_yaml_is_left_alone(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    assert editor.problems[editor.open("ci.yml", "on: push\njobs: {a: [}\n")] == []


def labels(editor: Editor, uri: str, line: int, character: int) -> list[str]:
    found = editor.ask("textDocument/completion", **editor.at(uri, line, character))
    return [each["label"] for each in found]


def test_keys_of_a_section_and_words_of_a_value(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    uri = editor.open("a.yaml", RECIPE.replace("  lr: 0.1", "  "))
    assert {"lr", "momentum", "weight_decay", "betas"} <= set(labels(editor, uri, 4, 2))
    assert "epochs" not in labels(editor, uri, 4, 2)
    assert {"epochs", "schedule", "data"} <= set(labels(editor, uri, 5, 0))
    assert set(labels(editor, uri, 3, 8)) == {"sgd", "adamw", "lamb"}
    assert {"resize", "crop", "interpolation"} <= set(labels(editor, uri, 8, 4))


def test_a_key_says_what_it_takes(tmp_path: Path) -> None:
    editor = Editor(tmp_path)
    uri = editor.open("a.yaml", RECIPE)
    found = editor.ask("textDocument/hover", **editor.at(uri, 4, 3))
    assert "optimizer.lr" in found["contents"]["value"]
    assert "default 0.1" in found["contents"]["value"]
    assert editor.ask("textDocument/hover", **editor.at(uri, 4, 7)) is None
