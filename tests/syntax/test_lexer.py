"""Our lexer against lark's contextual lexer: the same tokens, and the same errors."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from resspec import shipped
from resspec.syntax.lexer import SpecLexer
from resspec.syntax.tables import STARTS, tokens

GRAMMAR = shipped.path("grammar", "resspec.lark").read_text(encoding="utf-8")
SPECS = sorted(shipped.path("specs").rglob("*.res"))
MISTAKES = sorted((Path(__file__).parents[1] / "diagnostics").glob("E01*.res"))
PIECES = (" ", "\n", ";", "#", "x", "3", "3x", ".", "-", "->", ":", "/", '"', "in", "use", "é", "(")


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_specs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert read(ours(), text) == read(larks(), text)


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_texts_with_a_mistake(path: Path) -> None:
    text = path.read_bytes().decode(errors="replace")
    assert read(ours(), text) == read(larks(), text)


@pytest.mark.parametrize("seed", range(20))
def test_random_edits(seed: int) -> None:
    draw = random.Random(seed)
    text = draw.choice(SPECS).read_text(encoding="utf-8")
    for edited in edits(text[:2000], draw, count=25):
        assert read(ours(), edited) == read(larks(), edited), edited


def edits(text: str, draw: random.Random, count: int) -> Iterator[str]:
    """Yield texts in which a few characters are left out, or replaced."""
    for _ in range(count):
        start = draw.randrange(len(text))
        end = start + draw.choice((0, 0, 1, 2, 5))
        yield text[:start] + draw.choice(PIECES) + text[end:]


def read(parser: Lark, text: str) -> tuple[object, object]:
    """Return the tokens of a text, or the error, as far as diagnostics depend on it."""
    try:
        found = tokens(parser, text)
    except UnexpectedInput as error:
        return None, facts(error)
    return [(each.type, str(each), each.start_pos, each.end_pos) for each in found], None


def facts(error: UnexpectedInput) -> object:
    match error:
        case UnexpectedToken(token=token, expected=expected):
            return token.type, str(token), token.start_pos, set(expected)
        case UnexpectedCharacters(pos_in_stream=start, allowed=allowed):
            return start, error.line, error.column, set(allowed or ())
    raise AssertionError(error)


@cache
def ours() -> Lark:
    return made(SpecLexer)


@cache
def larks() -> Lark:
    return made("contextual")


def made(lexer: Any) -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer=lexer, start=STARTS)
