"""The parser's tables against the grammar that they were worked out from."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from lark import Lark
from lark.exceptions import UnexpectedInput

from resspec import shipped
from resspec.syntax.build import Builder
from resspec.syntax.tables import STARTS, parser

GRAMMAR = shipped.path("grammar", "resspec.lark")
BROKEN = ("network n {", "block b = conv 3x3, 64 /2", "network { }", "let x = ", "} network n { }", "stage a: relu")


def test_the_tables_are_of_this_grammar() -> None:
    tables = json.loads(shipped.path("grammar", "resspec.tables.json").read_bytes())
    assert tables["sha256"] == sha256(GRAMMAR.read_bytes()).hexdigest(), "run: python -m resspec.syntax.tables"


@pytest.mark.parametrize("spec", sorted(shipped.path("specs").rglob("*.res")), ids=lambda path: path.stem)
def test_both_parsers_read_a_spec_alike(spec: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    assert str(_tables().parse(text, "start")) == str(_grammar().parse(text, "start"))


@pytest.mark.parametrize("text", ["params <= 26M", "saved_bytes(batch=32, dtype=float16) in 1.5GiB .. 2 * 3GB # bytes"])
def test_both_parsers_read_a_budget_alike(text: str) -> None:
    assert str(_tables().parse(text, "expectation")) == str(_grammar().parse(text, "expectation"))


@pytest.mark.parametrize(("start", "text"), [*(("start", text) for text in BROKEN), ("expectation", "expect params <= 3")])
def test_both_parsers_refuse_at_the_same_place(start: str, text: str) -> None:
    places = []
    for built in (_tables(), _grammar()):
        with pytest.raises(UnexpectedInput) as error:
            built.parse(text, start)
        places.append((error.value.line, error.value.column))
    assert places[0] == places[1]


def _tables() -> Lark:
    return parser(Builder())


def _grammar() -> Lark:
    return Lark(GRAMMAR.read_text(encoding="utf-8"), parser="lalr", start=STARTS, transformer=Builder())
