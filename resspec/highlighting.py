"""Syntax highlighting of specs, for Pygments: notebooks, MkDocs, Sphinx and `pygmentize -l res`."""

from __future__ import annotations

import json

from pygments.lexer import RegexLexer
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from resspec import shipped

TOKENS: dict[str, _TokenType] = {
    "comment": Comment.Single,
    "string": String,
    "label": Name.Label,
    "number": Number,
    "constant": Keyword.Constant,
    "keyword": Keyword,
    "declared": Name.Function,
    "layer": Name.Builtin,
    "variable": Name.Variable.Magic,
    "name": Name,
    "operator": Operator,
    "punctuation": Punctuation,
}


def _rules() -> list[tuple[str, _TokenType]]:
    text = shipped.path("grammar", "highlighting.json").read_text(encoding="utf-8")
    rules = [(regex, TOKENS[kind]) for kind, regex in json.loads(text)["rules"]]
    return [(r"\s+", Whitespace), *rules]


class ResLexer(RegexLexer):
    """The lexer of `.res` files."""

    name = "resspec"
    url = ""
    aliases = ("res", "resspec")
    filenames = ("*.res",)
    tokens = {"root": _rules()}  # noqa: RUF012, as Pygments declares it
