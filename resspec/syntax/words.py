"""The words of a text: the tokens of the grammar, each with the comments before it.

Blanks, line ends and `;` are left out: they are layout.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lark import Token

from resspec.source import Source
from resspec.syntax.parse import tokens

_COMMENT = re.compile(r"#[^\n]*")


class Comment(NamedTuple):
    """A comment before a word, or on the line of the word before that."""

    text: str
    is_trailing: bool  # on the line of the word before it


class Word(NamedTuple):
    """A token with its comments."""

    kind: str  # as the grammar calls it; END for the end of the text
    text: str
    opens: bool  # a clause or declaration, but for the first of its braces
    comments: tuple[Comment, ...]


def words(source: Source) -> list[Word]:
    """Return the words of a text, the last one its end. Raises SpecError."""
    found: list[Word] = []
    end, opens = 0, False
    length = len(source.text)
    for token in [*tokens(source), Token("END", "", length, end_pos=length)]:
        if token.type == "_NL":
            opens = True
            continue
        assert token.start_pos is not None and token.end_pos is not None
        comments = tuple(_comments(source.text, end, token.start_pos))
        if comments and found and found[-1].kind == "SPACED_SLASH":  # which a line cannot end with
            comments = (comments[0]._replace(is_trailing=True), *comments[1:])
        found.append(Word(token.type, str(token), opens, comments))
        end, opens = token.end_pos, False
    return found


def _comments(text: str, start: int, end: int) -> list[Comment]:
    if start == end:
        return []
    line_end = text.find("\n", start) % (end + 1) if start else -1  # -1, for none, becomes the end
    comments = _COMMENT.finditer(text, start, end)
    return [Comment(each[0].rstrip(), each.start() < line_end) for each in comments]
