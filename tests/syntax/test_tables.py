"""The parser's tables against the grammar that they were worked out from."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from resspec import shipped
from resspec.syntax.build import Builder
from resspec.syntax.tables import STARTS, parser, tokens
from tests.syntax.pumps import PUMPS

FOLDER = Path(__file__).parents[1] / "diagnostics"
FIXTURES = sorted(FOLDER.glob("*.res"))
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
    tables = json.loads(shipped.path("grammar", "resspec.tables.json").read_bytes())
    assert tables["sha256"] == sha256(GRAMMAR.read_bytes()).hexdigest(), (
        "run: python -m resspec.syntax.tables"
    )


@pytest.mark.parametrize(
    "spec", sorted(shipped.path("specs").rglob("*.res")), ids=lambda path: path.stem
)
def test_both_parsers_read_a_spec_alike(spec: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    assert str(_tables().parse(text, "start")) == str(_grammar().parse(text, "start"))


@pytest.mark.parametrize("name", [*PUMPS, *(path.stem for path in FIXTURES)])
def test_both_parsers_make_the_same_of_a_text(name: str) -> None:
    """Long texts of each rule and terminal, cut anywhere or whole; and texts with a mistake."""
    whole = (
        PUMPS[name].text(500)
        if name in PUMPS
        else (FOLDER / f"{name}.res").read_text(encoding="utf-8", errors="replace")
    )
    for text in (whole, *(whole[:end] for end in range(1, len(whole), len(whole) // 7 + 1))):
        assert _made(_tables(), text) == _made(_grammar(), text)


@pytest.mark.parametrize(
    "text", ["params <= 26M", "saved_bytes(batch=32, dtype=float16) in 1.5GiB .. 2 * 3GB # bytes"]
)
def test_both_parsers_read_a_budget_alike(text: str) -> None:
    assert str(_tables().parse(text, "expectation")) == str(_grammar().parse(text, "expectation"))


@pytest.mark.parametrize(
    ("start", "text"),
    [*(("start", text) for text in BROKEN), ("expectation", "expect params <= 3")],
)
def test_both_parsers_refuse_at_the_same_place(start: str, text: str) -> None:
    places = []
    for built in (_tables(), _grammar()):
        with pytest.raises(UnexpectedInput) as error:
            built.parse(text, start)
        places.append((error.value.line, error.value.column))
    assert places[0] == places[1]


@pytest.mark.parametrize("name", PUMPS)
def test_both_parsers_read_the_same_words(name: str) -> None:
    text = PUMPS[name].text(500)
    ours, larks = (
        [(token.type, str(token), token.start_pos, token.end_pos) for token in tokens(parser, text)]
        for parser in (_tables(), _grammar())
    )
    assert ours == larks


def _made(parser: Lark, text: str) -> tuple[object, ...]:
    try:
        return (str(parser.parse(text, "start")),)
    except UnexpectedToken as error:
        return error.token.type, error.token.start_pos, error.line, error.column, error.accepts
    except UnexpectedCharacters as error:
        return error.pos_in_stream, error.line, error.column, error.allowed


@cache
def _tables() -> Lark:
    return parser(Builder())


@cache
def _grammar() -> Lark:
    return Lark(
        GRAMMAR.read_text(encoding="utf-8"), parser="lalr", start=STARTS, transformer=Builder()
    )
