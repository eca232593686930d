"""The reference is true: its examples run, its names and figures are the compiler's."""

import re
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest

from resspec import shipped
from resspec.compiler import check, load
from resspec.ir.init import LAWS
from resspec.ir.ops import OPS, Layer
from tests.specs.tensors import tensors

TEXT = shipped.path("grammar", "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```res *(.*?)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
NETWORK = "use he2015\nnetwork example {{\ninput 16x32x32\nshortcut B\n{}\nhead avgpool -> fc 10\n}}\n"


def spec(mark: str, text: str, folder: Path) -> Path:
    """An example as a file: declarations as they stand, `clauses` in a network, a `chain` as its stem."""
    if "chain" in mark:
        text = f"stem {text}"
    if "chain" in mark or "clauses" in mark:
        text = NETWORK.format(text)
    path = folder / "example.res"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("mark", "text"), EXAMPLES, ids=[text.splitlines()[0] for _, text in EXAMPLES])
def test_an_example_is_clean_or_has_the_mistake_that_it_shows(mark: str, text: str, tmp_path: Path) -> None:
    found = {diagnostic.code for diagnostic in check(spec(mark, text, tmp_path))}
    assert found == set(re.findall(r"E\d{4}", mark))


def test_every_construct_of_the_grammar_has_an_example() -> None:
    grammar = shipped.path("grammar", "resspec.lark").read_text(encoding="utf-8")
    examples = "\n".join(text for _, text in EXAMPLES)
    words = set(re.findall(r'"([a-z]+)"', grammar))
    assert {word for word in words if not re.search(rf"\b{word}\b", examples)} == set()


@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_the_table_of_layers(op: type[Layer]) -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{op.kind}` |"))
    words = {name: word for word, name in op.words.items()}
    for field in fields(op):
        word = words.get(field.name, field.name)
        if field.name not in op.positional and field.name != "stride":
            assert f"`{word}" in row, word
        if isinstance(field.default, bool | Fraction):
            value = str(field.default).lower() if isinstance(field.default, bool) else f"{float(field.default):g}"
            assert f"`{word}={value}`" in row or field.name in op.positional, f"{word}={value}"


def test_no_layer_or_law_is_missing_or_invented() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| `?(?:nn|resspec)", TEXT, re.MULTILINE)) == set(OPS)
    for law in LAWS:
        assert f"`{law}" in TEXT


def test_the_names_that_it_shows(tmp_path: Path) -> None:
    shown = [(mark, text) for mark, text in EXAMPLES if "names" in mark]
    assert shown
    for mark, text in shown:
        found = {name.rsplit(".", 1)[0] for name, _ in tensors(load(spec(mark, text, tmp_path)))}
        assert set(mark.split("names ")[1].split()) <= found, found
