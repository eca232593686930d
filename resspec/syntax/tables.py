"""The parser, from tables made beforehand: compiling the grammar would take 40 ms at every start.

`python -m resspec.syntax.tables` writes grammar/resspec.tables.json again. A test compares it with
grammar/resspec.lark, and tables of another grammar or another version of lark are not used.
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

STARTS = ["start", "expectation"]  # a text is a file, or a budget
_GRAMMAR = ("grammar", "resspec.lark")
_TABLES = ("grammar", "resspec.tables.json")


def parser(builder: Transformer[Any, Any]) -> Lark:
    """Return a parser that calls the builder at each reduction; a text is one of STARTS."""
    grammar = shipped.path(*_GRAMMAR).read_bytes()
    tables = _tables()
    if tables.get("lark") == lark.__version__ and tables.get("sha256") == _digest(grammar):
        data = tables["data"]
        data["options"]["transformer"] = builder
        actions = data["parser"]["parser"]
        actions["states"] = _by_number(actions["states"])
        stored: Any = {"data": data, "memo": _by_number(tables["memo"])}
        return Lark.load(stored)  # which also takes what a file would hold
    return Lark(grammar.decode(), parser="lalr", start=STARTS, transformer=builder)


def tokens(parser: Lark, text: str) -> list[Token]:
    """Return the tokens of a file's text, which go to the builder too. Raises UnexpectedInput."""
    reading = parser.parse_interactive(text, "start")
    found = list(reading.exhaust_lexer())
    reading.feed_eof()  # type: ignore[no-untyped-call]
    return found


def written() -> str:
    """Return the text of the tables for the grammar."""
    grammar = shipped.path(*_GRAMMAR).read_bytes()
    compiled = Lark(grammar.decode(), parser="lalr", start=STARTS)
    data, memo = compiled.memo_serialize([TerminalDef, Rule])
    tables = {"lark": lark.__version__, "sha256": _digest(grammar), "data": data, "memo": memo}
    return json.dumps(tables, separators=(",", ":"), default=sorted) + "\n"


def _digest(grammar: bytes) -> str:
    return sha256(grammar).hexdigest()


def _tables() -> dict[str, Any]:
    path = shipped.path(*_TABLES)
    text = path.read_bytes() if path.is_file() else b"{}"
    tables: dict[str, Any] = json.loads(text)
    return tables


def _by_number(table: dict[str, Any]) -> dict[int, Any]:
    """Return a table that others refer to by whole numbers, which JSON does not have as keys."""
    return {int(key): value for key, value in table.items()}


if __name__ == "__main__":
    shipped.path(*_TABLES).write_text(written(), encoding="utf-8")
