"""The parser's tables against the grammar that they were made from."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

import lark
import pytest
from lark import Lark
from lark.exceptions import UnexpectedInput

from resspec import shipped
from resspec.syntax.build import Builder
from resspec.syntax.tables import STARTS, parser, written

GRAMMAR = shipped.path("grammar", "resspec.lark")
BROKEN = (
    "network n {",
    "block b = conv 3x3, 64 /2",
    "network { }",
    "let x = ",
    "} network n { }",
    "stage a: relu",
)


def test_the_tables_are_of_this_grammar() -> None:
    stored = json.loads(shipped.path("grammar", "resspec.tables.json").read_bytes())
    assert stored["sha256"] == sha256(GRAMMAR.read_bytes()).hexdigest(), (
        "run: python -m resspec.syntax.tables"
    )


def test_the_tables_are_the_same_in_every_run() -> None:
    """lark's own numbers follow the hashes of strings, which differ between processes."""
    stored = shipped.path("grammar", "resspec.tables.json").read_text(encoding="utf-8")
    if json.loads(stored)["lark"] == lark.__version__:
        assert written() == stored


def test_the_tables_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_grammar(*_: object, **__: object) -> None:
        raise AssertionError("the grammar was compiled")

    monkeypatch.setattr(Lark, "__init__", compile_grammar)
    assert str(parser(Builder()).parse("let a = 1", "start")).startswith("SpecFile(")


@pytest.mark.parametrize(
    "spec", sorted(shipped.path("specs", "lib").glob("*.res")), ids=lambda path: path.stem
)
def test_both_parsers_read_the_same_in_a_spec(spec: Path) -> None:
    """Libraries have all constructs; `test_lexer.py` compares the tokens of all specs."""
    text = spec.read_text(encoding="utf-8")
    assert str(_tables().parse(text, "start")) == str(_grammar().parse(text, "start"))


@pytest.mark.parametrize(
    "text", ["params <= 26M", "saved_bytes(batch=32, dtype=float16) in 1.5GiB .. 2 * 3GB # bytes"]
)
def test_both_parsers_read_the_same_in_a_budget(text: str) -> None:
    assert str(_tables().parse(text, "expectation")) == str(_grammar().parse(text, "expectation"))


@pytest.mark.parametrize(
    ("start", "text"),
    [*(("start", text) for text in BROKEN), ("expectation", "expect params <= 3")],
)
def test_both_parsers_refuse_at_the_same_place(start: str, text: str) -> None:
    places = list[int | None]()
    for built in (_tables(), _grammar()):
        with pytest.raises(UnexpectedInput) as error:
            built.parse(text, start)
        places.append(error.value.pos_in_stream)
    assert places[0] == places[1]


@cache
def _tables() -> Lark:
    return parser(Builder())


@cache
def _grammar() -> Lark:
    return Lark(
        GRAMMAR.read_text(encoding="utf-8"), parser="lalr", start=STARTS, transformer=Builder()
    )
