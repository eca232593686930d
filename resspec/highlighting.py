"""Syntax highlighting of specs, for Pygments: notebooks, MkDocs, Sphinx and `pygmentize -l res`."""

from __future__ import annotations

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

_DECLARATIONS = ("use", "let", "block", "shortcut", "network")
_CLAUSES = (
    "input",
    "stem",
    "stage",
    "stages",
    "head",
    "output",
    "init",
    "replace",
    "expect",
    "preact",
    "residual",
    "after",
    "sequential",
)


class ResLexer(RegexLexer):
    """The lexer of `.res` files."""

    name = "resspec"
    url = ""
    aliases = ("res", "resspec")
    filenames = ("*.res",)
    tokens = {  # noqa: RUF012, as Pygments declares it
        "root": [
            (r"\s+", Whitespace),
            (r"#.*", Comment.Single),
            (r'"[^"\n]*"', String),
            (r"[A-Za-z0-9_][A-Za-z0-9_.\-]*:", Name.Label),
            (words(_DECLARATIONS, suffix=r"\b"), Keyword.Declaration),
            (words(_CLAUSES, suffix=r"\b"), Keyword),
            (r"(true|false)\b", Keyword.Constant),
            (r"(if|else)\b", Keyword),
            (r"(in|out|stride|index|count)\b", Name.Variable.Magic),
            (r"x(?=\s)", Operator.Word),
            (r"[0-9]+(x[0-9]+)+", Number),
            (r"[0-9][0-9_]*(\.[0-9]+)?(e-?[0-9]+)?([KMGT]i?B?)?", Number),
            (r"[A-Za-z_]\w*", Name),
            (r"->|==|!=|<=|>=|\.\.|//|[-+*/<>=|]", Operator),
            (r"[{}()\[\],;]", Punctuation),
        ]
    }
