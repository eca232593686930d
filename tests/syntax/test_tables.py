"""The parser's tables against the grammar that they were worked out from."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from lark import Lark
from lark.exceptions import UnexpectedInput

from resspec import shipped
from resspec.syntax.build import Builder
from resspec.syntax.tables import parser

GRAMMAR = shipped.path("grammar", "resspec.lark")
BROKEN = ("network n {", "block b = conv 3x3, 64 /2", "network { }", "let x = ", "} network n { }", "stage a: relu")


def test_the_tables_are_of_this_grammar() -> None:
    tables = json.loads(shipped.path("grammar", "resspec.tables.json").read_bytes())
    assert tables["sha256"] == sha256(GRAMMAR.read_bytes()).hexdigest(), "run: python -m resspec.syntax.tables"


@pytest.mark.parametrize("spec", sorted(shipped.path("specs").rglob("*.res")), ids=lambda path: path.stem)
def test_both_parsers_read_a_spec_alike(spec: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    assert str(_tables().parse(text)) == str(_grammar().parse(text))


@pytest.mark.parametrize("text", BROKEN)
def test_both_parsers_refuse_at_the_same_place(text: str) -> None:
    places = []
    for built in (_tables(), _grammar()):
        with pytest.raises(UnexpectedInput) as error:
            built.parse(text)
        places.append((error.value.line, error.value.column))
    assert places[0] == places[1]


def _tables() -> Lark:
    return parser(Builder())


def _grammar() -> Lark:
    return Lark(GRAMMAR.read_text(encoding="utf-8"), parser="lalr", transformer=Builder())
