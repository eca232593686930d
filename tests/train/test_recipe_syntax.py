"""Texts and files that are no recipes: what they are is told, and where."""

from __future__ import annotations

import codecs
import json
import socket
from pathlib import Path

import pytest

from resspec.diagnostics import SpecError, UsageError
from resspec.source import Source
from resspec.training import recipe_file
from tests.train.foreign import BASE, mistakes

ASKED = {
    "source": 'Ünïcode \U0001f600 / "quoted"',
    "epochs": 9,
    "batch_size": 8,
    "optimizer": {"name": "sgd", "lr": 1e-05},
    "schedule": {"name": "multistep", "milestones": ["3 epochs", "6 epochs"]},
    "clip_grad_norm": None,
    "compile": False,
}
COLON = "put a value with a colon in quotes, and indent the keys of one section by the same amount"

TEXTS = [
    ("batch 8\nlog: 3\n", "E0503", 1, "write `key: value`"),
    ("data:\n  flip true\n  crop: 3\n", "E0503", 2, "write `key: value`"),
    ("\tbatch_size: 8\n", "E0503", 1, "indent with spaces"),
    ("data:\n\thflip: 0.5\n", "E0503", 2, "indent with spaces"),
    (
        "data:\n  hflip: 0.5\n crop: 3\n",
        "E0503",
        3,
        "indent the keys of one section by the same amount",
    ),
    ("batch_size: 8\n  log: 3\n", "E0503", 2, COLON),
    ("source: He et al.: section 4\n", "E0503", 1, COLON),
    ("source: 'open\nbatch_size: 8\n", "E0503", 1, "close it, or leave it out"),
    ("source: @me\n", "E0503", 1, "put the value in quotes"),
    ("source: `me`\n", "E0503", 1, "put the value in quotes"),
    ("source: %me\n", "E0503", 1, "put the value in quotes"),
    ('source: "\\d"\n', "E0503", 1, "use single quotes"),
    ("optimizer: {name: sgd\nbatch_size: 8\n", "E0503", 2, "write `{name: sgd, lr: 0.1}`"),
    ("data: {resize: [3, 4}\n", "E0503", 1, "write `[30 epochs, 60 epochs]`"),
    ("batch_size: - 8\n", "E0503", 1, "write a list in brackets: `[30 epochs, 60 epochs]`"),
    ("batch_size: 8\n\0\n", "E0503", 2, "remove it"),
    ("batch_size: 8\x07\n", "E0503", 1, "remove it"),
    ("batch_size = 8\n", "E0503", 1, "write `batch_size: 8`"),
    ("batch_size = 8\nlog = 3\n", "E0503", 1, "write `batch_size: 8`"),
    ("# mine\n\nbatch_size = 8\nsource = 'x'\n", "E0503", 3, "write `batch_size: 8`"),
    ("[training]\nbatch_size = 8\n", "E0503", 2, "write `batch_size: 8`"),
    ("[optimizer]\n", "E0503", 1, "write `optimizer:`, and its keys indented below"),
    ("import torch\nbatch = 8\n", "E0503", 1, "write `key: value`"),
    ("batch_size=8,\n", "E0503", 1, "write `batch_size: 8`"),
    ("---\nbatch_size: 8\n---\nlog: 3\n", "E0518", 3, "keep one of them"),
    ("%YAML 1.2\n---\nbatch_size: 8\n", "E0518", 1, "leave this line out"),
    ("%TAG ! tag:x,2000:\n---\nbatch_size: 8\n", "E0518", 1, "leave this line out"),
    (
        "batch_size: !!int 8\n",
        "E0518",
        1,
        "leave out the `!` with its name: the key determines the type of its value",
    ),
    (
        "batch_size: ! 8\n",
        "E0518",
        1,
        "leave out the `!` with its name: the key determines the type of its value",
    ),
    ("batch_size: &b 8\n", "E0518", 1, "leave out the `&` with its name"),
    ("? [a]\n: 8\n", "E0518", 1, "write a word before the colon"),
    (
        "batch",
        "E0507",
        1,
        "write keys with values, at least `epochs: 90` and `batch_size: 256`",
    ),
    ("42", "E0507", 1, "write keys with values, at least `epochs: 90` and `batch_size: 256`"),
    ("", "E0503", 1, "write at least `epochs: 90` and `batch_size: 256`"),
    ("# nothing\n", "E0503", 1, "write at least `epochs: 90` and `batch_size: 256`"),
]


@pytest.mark.parametrize(
    ("text", "code", "line", "help"), TEXTS, ids=[repr(text) for text, _, _, _ in TEXTS]
)
def test_what_is_no_recipe_is_told(text: str, code: str, line: int, help: str) -> None:
    first = mistakes(text)[0]
    assert (first.code, first.help) == (code, help)
    assert first.labels[0].span.source.place(first.labels[0].span.start)[0] == line


def test_all_that_recipes_may_not_hold_is_told_at_once() -> None:
    text = "a: &x 1\nb: *x\nc: !!int 3\n[1]: 3\nd: {e: *x}\n"
    assert [mistake.labels[0].span.text for mistake in mistakes(text)] == [
        "&x 1",
        "*x",
        "!!int 3",
        "[1]",
        "*x",
    ]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ASKED),
        json.dumps(ASKED, indent=2),
        json.dumps(ASKED, indent="\t"),
        json.dumps(ASKED, ensure_ascii=False),
        f"---\n{json.dumps(ASKED)}\n...\n",
    ],
)
def test_json_is_yaml(text: str, tmp_path: Path) -> None:
    recipe = recipe_file.parse(Source("recipe.yaml", text))
    assert recipe.source == ASKED["source"]
    assert (recipe.optimizer.lr, recipe.compile, recipe.clip_grad_norm) == (1e-05, False, None)
    path = tmp_path / "recipe.JSON"
    path.write_text(text, encoding="utf-8")
    assert recipe_file.load(str(path)) == recipe


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + BASE.encode(),
        BASE.replace("\n", "\r\n").encode(),
        BASE.replace("\n", "\r").encode(),
        codecs.BOM_UTF8 + BASE.replace("\n", "\r\n").encode(),
        BASE.rstrip().encode(),
        f"\n\n# x\n{BASE}\n\n".encode(),
    ],
)
def test_a_text_is_read_however_its_lines_end(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "recipe.yml").write_bytes(data)
    assert recipe_file.load(str(tmp_path / "recipe.yml")).batch_size == 8


def test_places_are_right_behind_other_line_ends(tmp_path: Path) -> None:
    for end in ("\r\n", "\r"):
        (tmp_path / "recipe.yaml").write_bytes(f"{BASE}log: 010\n".replace("\n", end).encode())
        with pytest.raises(SpecError, match=r"E0541.*\n --> .*yaml:3:6\n"):
            recipe_file.load(str(tmp_path / "recipe.yaml"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (BASE.encode("utf-16"), "it is UTF-16 text; save it as UTF-8"),
        (codecs.BOM_UTF16_BE + BASE.encode("utf-16-be"), "it is UTF-16 text; save it as UTF-8"),
        (
            f"{BASE}source: Jégou\n".encode("latin-1"),
            "it is not UTF-8 text (byte 0xE9 in line 3); save it as UTF-8",
        ),
        (b"\x89PNG\r\n\x1a\n", "it is not UTF-8 text (byte 0x89 in line 1); save it as UTF-8"),
    ],
)
def test_another_encoding_is_named(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_bytes(data)
    with pytest.raises(UsageError) as caught:
        recipe_file.load(str(tmp_path / "recipe.yaml"))
    assert (caught.value.code, str(caught.value)) == (
        "E0510",
        f"cannot read {tmp_path / 'recipe.yaml'}: {said}",
    )


def test_special_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    (tmp_path / "below.yaml").write_text(BASE)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.yaml"))
        for name in (
            "dangling.yaml",
            "circle.yaml",
            "s.yaml",
            "none.yaml",
            "below.yaml/recipe.yaml",
            f"{'x' * 300}.yaml",
        ):
            with pytest.raises(UsageError) as caught:
                recipe_file.load(str(tmp_path / name))
            assert caught.value.code == "E0510", name
            assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["recipe.toml", "recipe.py", "recipe.txt", "folder", "recipe", "x" * 300, "", "..", "runs/a"],
)
def test_a_name_that_is_no_recipe(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "recipe.toml").write_text("batch_size = 8\n")
    with pytest.raises(UsageError) as caught:
        recipe_file.load(name)
    assert caught.value.code == "E0509"
    assert "`.yaml`, `.yml` or `.json`" in str(caught.value)
    assert "`digits`" in str(caught.value)
