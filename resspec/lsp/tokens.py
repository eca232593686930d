"""Semantic tokens: each word of a text with its kind, as exactly as the last check knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from resspec.lsp.names import Occurrence, occurrences
from resspec.lsp.session import Session
from resspec.lsp.words import BLOCK_CLAUSES, DECLARATIONS, NETWORK_CLAUSES

TYPES = (
    "keyword", "comment", "string", "number", "operator", "namespace", "class", "function",
    "type", "interface", "parameter", "variable", "property", "enumMember",
)  # fmt: skip
MODIFIERS = ("declaration", "readonly", "defaultLibrary")
_OF_MEANING = {
    "block": "function",
    "option": "interface",
    "network": "class",
    "constant": "variable",
    "parameter": "parameter",
    "label": "property",
    "layer": "type",
    "field": "parameter",
    "merge": "keyword",
    "function": "function",
    "quantity": "property",
    "law": "enumMember",
    "word": "variable",
    "library": "namespace",
}
_BUILT_IN = ("layer", "field", "merge", "function", "quantity", "law", "word")
_WORDS = {*DECLARATIONS, *NETWORK_CLAUSES, *BLOCK_CLAUSES}
_ALWAYS = ("if", "else", "sequential")
_TOKEN = re.compile(
    r"(?P<comment>#[^\n]*)"
    r'|(?P<string>"[^"\n]*"?)'
    r"|(?P<label>[A-Za-z0-9_][A-Za-z0-9_.\-]*:)"
    r"|(?P<number>[0-9]+(?:x[0-9]+)+|[0-9][0-9_]*(?:\.[0-9]+)?(?:e-?[0-9]+)?(?:[KMGT]i?B?)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator>->|==|!=|<=|>=|\.\.|//|[-+*/<>=|])"
    r"|(?P<end>[\n;{}])"
)


def tokens(session: Session, params: dict[str, Any]) -> dict[str, Any]:
    """Return the tokens of a document, each relative to the one before."""
    document = session.document(params)
    lines, text = document.lines, document.text
    first, last = _bounds(params, lines.offset, len(text))
    data: list[int] = []
    line = character = 0
    for start, end, kind, modifiers in _tokens(session, params):
        if end <= first or start >= last:
            continue
        at = lines.position(start)
        length = lines.units(text[start:end])
        move = at["line"] - line
        data += [
            move,
            at["character"] - (0 if move else character),
            length,
            TYPES.index(kind),
            modifiers,
        ]
        line, character = at["line"], at["character"]
    return {"data": data}


def _bounds(params: dict[str, Any], offset: Any, length: int) -> tuple[int, int]:
    where = params.get("range")
    return (offset(where["start"]), offset(where["end"])) if where else (0, length)


_Token = tuple[int, int, str, int]


def _tokens(session: Session, params: dict[str, Any]) -> Iterator[_Token]:
    document = session.document(params)
    known: dict[int, Occurrence] = {}
    analysis = session.latest.get(document.uri)
    if analysis and analysis.library and analysis.document is document:
        in_text = document.lines.in_text
        known = {in_text(each.span.start): each for each in occurrences(analysis.library)}
    opens = True
    for found in _TOKEN.finditer(document.text):
        kind, start, end = found.lastgroup, found.start(), found.end()
        if kind == "end":
            opens = True
            continue
        if kind != "comment":
            was_open, opens = opens, False
        if start in known and kind != "string":
            occurrence = known[start]
            length = occurrence.span.end - occurrence.span.start
            yield start, start + length, *_of(occurrence)
        elif kind == "name":
            if found[0] in _ALWAYS or found[0] == "x" or (was_open and found[0] in _WORDS):
                yield start, end, "keyword", 0
            else:
                yield start, end, "variable", 0
        elif kind == "label":
            opens = was_open
            yield start, end - 1, "property", 0
        elif kind:
            yield start, end, kind, 0


def _of(occurrence: Occurrence) -> tuple[str, int]:
    """Return the type of a name's token, and the bits of its modifiers."""
    kind = occurrence.meaning.kind
    is_constant = kind in ("constant", "parameter", "label")
    return _OF_MEANING[kind], occurrence.declares | is_constant << 1 | (kind in _BUILT_IN) << 2
