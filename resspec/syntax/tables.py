"""The parser, from tables that were worked out beforehand: reading the grammar would take 40 ms of every start.

`python -m resspec.syntax.tables` writes grammar/resspec.tables.json anew; a test holds it to grammar/resspec.lark, and
tables of another grammar or another lark are not used.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import lark
from lark import Lark, Token, Transformer
from lark.grammar import Rule
from lark.lexer import TerminalDef

from resspec import shipped

_GRAMMAR = ("grammar", "resspec.lark")
_TABLES = ("grammar", "resspec.tables.json")
STARTS = ["start", "expectation"]  # what a text can be: a file, or a budget


def parser(builder: Transformer[Any, Any]) -> Lark:
    """A parser that calls the builder at each reduction; a text is one of STARTS."""
    grammar = shipped.path(*_GRAMMAR).read_bytes()
    tables = _tables()
    if (
        tables.get("lark") == lark.__version__
        and tables.get("sha256") == sha256(grammar).hexdigest()
    ):
        from resspec.syntax.loop import Parser  # of this very lark, as the tables are

        loop = {"LALR_Parser": Parser}
        loaded: Lark = Lark._load_from_dict(
            tables["data"], tables["memo"], transformer=builder, _plugins=loop
        )  # type: ignore[no-untyped-call]
        return loaded
    return Lark(grammar.decode(), parser="lalr", start=STARTS, transformer=builder)


def tokens(parser: Lark, text: str) -> list[Token]:
    """All that the parser reads of a file's text, which it also hands to its builder. Raises UnexpectedInput."""
    walked: Any = parser.parser.parser
    if hasattr(walked, "tokens"):  # it is of the loop
        parser.parse(text, "start")
        return list(walked.tokens)
    reading = parser.parse_interactive(text, "start")
    found = list(reading.exhaust_lexer())
    reading.feed_eof()  # type: ignore[no-untyped-call]
    return found


def written() -> str:
    """The text of the tables for the grammar as it stands."""
    grammar = shipped.path(*_GRAMMAR).read_bytes()
    data, memo = Lark(grammar.decode(), parser="lalr", start=STARTS).memo_serialize(
        [TerminalDef, Rule]
    )
    tables = {
        "lark": lark.__version__,
        "sha256": sha256(grammar).hexdigest(),
        "data": data,
        "memo": memo,
    }
    return json.dumps(tables, separators=(",", ":"), default=sorted) + "\n"


def _tables() -> dict[str, Any]:
    path = shipped.path(*_TABLES)
    loaded: dict[str, Any] = (
        json.loads(path.read_bytes(), object_hook=_with_numbers) if path.is_file() else {}
    )
    return loaded


def _with_numbers(table: dict[str, Any]) -> dict[Any, Any]:
    """JSON has no whole numbers as keys; lark's tables have no others."""
    return {int(key) if key.isdecimal() else key: value for key, value in table.items()}


if __name__ == "__main__":
    shipped.path(*_TABLES).write_text(written(), encoding="utf-8")
