"""The parser, from tables made beforehand: compiling the grammar would take 40 ms at every start.

`python -m resspec.syntax.tables` writes grammar/resspec.tables.json again. A test compares it with
grammar/resspec.lark, and tables of another grammar or another version of lark are not used.
"""

from __future__ import annotations

import json
from collections import deque
from hashlib import sha256
from typing import Any

import lark
from lark import Lark, Token, Transformer
from lark.grammar import Rule
from lark.lexer import TerminalDef

from resspec import shipped
from resspec.syntax.lexer import SpecLexer

STARTS = ["start", "expectation"]  # a text is a file, or a budget
_GRAMMAR = ("grammar", "resspec.lark")
_TABLES = ("grammar", "resspec.tables.json")
_SHIFT = 0  # the kind of an action in lark's tables; others reduce by a rule


def parser(builder: Transformer[Any, Any]) -> Lark:
    """Return a parser that calls the builder at each reduction; a text is one of STARTS."""
    grammar = shipped.path(*_GRAMMAR).read_bytes()
    tables = _tables()
    if tables.get("lark") == lark.__version__ and tables.get("sha256") == _digest(grammar):
        data = tables["data"]
        data["options"]["transformer"] = builder
        data["options"]["lexer"] = SpecLexer
        data["parser"]["lexer_conf"]["lexer_type"] = SpecLexer
        actions = data["parser"]["parser"]
        actions["states"] = _by_number(actions["states"])
        stored: Any = {"data": data, "memo": _by_number(tables["memo"])}
        return Lark.load(stored)  # which also takes what a file would hold
    text = grammar.decode()
    return Lark(text, parser="lalr", lexer=SpecLexer, start=STARTS, transformer=builder)


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
    data["parser"]["parser"] = _numbered(data["parser"]["parser"])
    tables = {"lark": lark.__version__, "sha256": _digest(grammar), "data": data, "memo": memo}
    return json.dumps(tables, separators=(",", ":"), default=sorted) + "\n"


def _numbered(table: dict[str, Any]) -> dict[str, Any]:
    """Return a parse table with numbers that depend on the grammar alone.

    lark numbers terminals and states by the order of sets, which differs from run to run. Here
    terminals are numbered by name, and states in the order in which they are reached.
    """
    names = table["tokens"]
    numbers = {name: i for i, name in enumerate(sorted(names.values()))}
    actions = {
        state: {names[i]: row[i] for i in sorted(row, key=names.__getitem__)}
        for state, row in table["states"].items()
    }
    states = _reached(actions, [table["start_states"][start] for start in STARTS])
    return {
        **table,
        "tokens": dict(enumerate(numbers)),
        "states": {
            states[state]: {
                numbers[name]: (kind, states[target] if kind == _SHIFT else target)
                for name, (kind, target) in actions[state].items()
            }
            for state in states
        },
        "start_states": {start: states[table["start_states"][start]] for start in STARTS},
        "end_states": {start: states[table["end_states"][start]] for start in STARTS},
    }


def _reached(actions: dict[int, dict[str, Any]], starts: list[int]) -> dict[int, int]:
    """Return a number for each state, breadth first."""
    found = dict.fromkeys(starts)
    queue = deque(starts)
    while queue:
        shifts = [target for kind, target in actions[queue.popleft()].values() if kind == _SHIFT]
        new = [state for state in dict.fromkeys(shifts) if state not in found]
        found |= dict.fromkeys(new)
        queue += new
    return {state: i for i, state in enumerate(found)}


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
