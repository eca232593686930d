"""Long texts for each rule and terminal of the grammar, which is repeated or made long."""

from __future__ import annotations

from itertools import count
from typing import NamedTuple

from lark import Lark

from resspec import shipped

GRAMMAR = shipped.path("grammar", "resspec.lark").read_text(encoding="utf-8")
LONG = 1000  # characters; a terminal that may be longer has no bound


class Pump(NamedTuple):
    """`before`, then `unit` with `@` for a number of its own, over and over, then `after`."""

    before: str
    unit: str
    after: str = ""

    def text(self, size: int) -> str:
        """Of so many characters, or as few less as one unit has."""
        left, parts = size - len(self.before) - len(self.after), list[str]()
        for i in count():
            part = self.unit.replace("@", str(i))
            left -= len(part)
            if left < 0:
                break
            parts.append(part)
        return self.before + "".join(parts) + self.after


def grammar() -> Lark:
    return Lark(GRAMMAR, parser="lalr", start=["start", "expectation"], maybe_placeholders=False)


def pumped() -> set[str]:
    """Return the names of all rules and alternatives in a tree, and of its unbounded terminals."""
    found = grammar()
    rules = {
        str(rule.alias or rule.origin.name)
        for rule in found.rules
        if rule.alias or not rule.options.expand1
    }
    return {name for name in rules if not name.startswith("_")} | {
        terminal.name for terminal in found.terminals if terminal.pattern.max_width > LONG
    }


_BLOCK, _NETWORK = "block b { ", "network n { input 3x8x8; head "
_SUM = "block b = conv 1x1, "
PUMPS = {
    "start": Pump("", "let c@ = 1\n"),
    "use": Pump("", "use he2015\n"),
    "let": Pump("", "let c@ = 1; "),
    "abbreviation": Pump("", "block b@ = relu\n"),
    "module": Pump("", "block b@ { relu }\n"),
    "option": Pump("", "shortcut S@ { same: identity; change: none }\n"),
    "network": Pump("", "network n@ { input 3x8x8; head relu }\n"),
    "derived": Pump("network n { input 3x8x8; head relu }\n", "network n@ = n\n"),
    "arm": Pump("shortcut S { ", "same: identity; ", "change: none }\n"),
    "parameters": Pump("block b(", "p@, ", "q) = relu"),
    "parameter": Pump("block b(", "p@=1, ", "q) = relu"),
    "clauses": Pump(_BLOCK, "let c@ = 1; ", "relu }"),
    "preact": Pump(_BLOCK, "preact relu; ", "residual bn; shortcut identity }"),
    "residual": Pump(_BLOCK, "residual relu; ", "shortcut identity }"),
    "shortcut": Pump(_BLOCK, "shortcut a@: identity; ", "residual bn }"),
    "after": Pump(_BLOCK, "after relu; ", "residual bn; shortcut identity }"),
    "input": Pump("network n { ", "input 3x8x8\n", "head relu }"),
    "stem": Pump("network n { input 3x8x8; ", "stem relu; ", "head relu }"),
    "stage": Pump("network n { input 3x8x8; ", "stage s@: relu; ", "head relu }"),
    "head": Pump("network n { input 3x8x8; ", "head relu; ", "}"),
    "init": Pump("network n { input 3x8x8; ", "init conv: zeros; ", "head relu }"),
    "replace": Pump("network n { input 3x8x8; ", "replace relu: silu; ", "head relu }"),
    "expect": Pump("network n { input 3x8x8; head relu; ", "expect params <= @; ", "}"),
    "expectation": Pump("network n { input 3x8x8; head relu; ", "expect params in 0 .. @; ", "}"),
    "metric": Pump(
        "network n { input 3x8x8; head relu; ", "expect saved_bytes(batch=2) >= 1; ", "}"
    ),
    "chain": Pump(_NETWORK, "relu -> ", "bn }"),
    "step": Pump(_NETWORK, "a@: relu -> ", "bn }"),
    "sequential": Pump(f"{_NETWORK}", "sequential { relu } -> ", "relu }"),
    "merge": Pump(_NETWORK + "add { ", "relu | ", "identity } }"),
    "group": Pump(_NETWORK, "{ relu } -> ", "bn }"),
    "repeat": Pump(_NETWORK, "2 x relu -> ", "bn }"),
    "call": Pump(_NETWORK, "conv 3x3, @ -> ", "bn }"),
    "arguments": Pump("block b = a ", "@, ", "1"),
    "stride": Pump(_NETWORK, "maxpool 1x1, /1 -> ", "bn }"),
    "keyword": Pump("block b = a ", "k@=1, ", "last=1"),
    "stages": Pump("network n { input 3x8x8; ", "stages s@..: relu; ", "head relu }"),
    "entries": Pump("let c = [", "[@], ", "1]"),
    "choice": Pump(_SUM, "1 if true else ", "1"),
    "applied": Pump("block b = conv max(", "max(@, 1), ", "1)"),
    "binary": Pump(_SUM, "1 + 2 * ", "1"),
    "number": Pump(_NETWORK, "conv 3, 4.5 -> ", "bn }"),
    "bytes": Pump(_NETWORK, "conv 3, 1KiB -> ", "bn }"),
    "size": Pump(_NETWORK, "avgpool 3x3 -> ", "bn }"),
    "name": Pump("let c = 3\n" + _NETWORK, "conv c, c -> ", "bn }"),
    "negate": Pump(_NETWORK, "slice -1, 3 -> ", "bn }"),
    "parenthesised": Pump(_NETWORK, "conv (1), (3) -> ", "bn }"),
    "output": Pump("network n { input 3x8x8; ", "output relu1; ", "head relu }"),
    "POINT": Pump("network n { input 3x8x8; head a: relu; output ", "a", " }"),
    "LABEL": Pump(_NETWORK, "a-", "a: relu }"),
    "BYTES": Pump("let c = 1", "0", "KiB"),
    "SIZE": Pump("let c = 1", "x1"),
    "NUMBER": Pump("let c = 1", "_"),
    "NAME": Pump("block ", "a", " = relu"),
    "PATH": Pump("network n = a", "/a", "\n"),
    "STRING": Pump('use "', "a", '.res"'),
    "_NL": Pump("let c = 1", " ;#\n", "let d = 1"),
    "BLANK": Pump("let ", "\t ", " c = 1"),
    "CONTINUED": Pump("block b = relu ", " # ->\n", "-> relu"),
    "TRAILING": Pump(_BLOCK + "relu", "; ", "}"),
}
