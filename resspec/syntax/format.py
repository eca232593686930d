"""`resspec fmt`: a text in the canonical layout.

Only blanks, line ends and `;` change; every word and comment stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from resspec.diagnostics import InternalError
from resspec.source import Source
from resspec.syntax.layout import INDENT, Layout
from resspec.syntax.outline import outline
from resspec.syntax.spacing import gaps
from resspec.syntax.words import Comment, Word, words

REMARK = 4  # columns between a line and the comment that trails it
_HANGS = {"->": 3, "|": 2, "}": INDENT}  # what a comment is indented beyond the word after it


def lay_out(source: Source) -> str:
    """Return a text in the canonical layout.

    Raises:
        SpecError: The text is not of the language.
        InternalError: The layout would change a word.
    """
    found = words(source)
    text = "".join(line + "\n" for line in _aligned(list(_lines(found))))
    if words(Source(source.name, text)) != found:
        raise InternalError(f"the layout of {source.name} would change its words")
    return text


class _Line(NamedTuple):
    column: int
    text: str
    comment: str = ""
    touches: bool = False  # the comment must not leave a blank after the slash of a stride


def _lines(found: Sequence[Word]) -> Iterator[_Line]:
    declarations = outline(found)
    between = gaps(found, declarations)
    layout = Layout(found, between, declarations)
    line, base = _Line(0, ""), 0
    texts = list[str]()  # of the line, after its first word
    last = len(found) - 1
    for i, word in enumerate(found):
        begins = layout.column.get(i)
        if begins is None and not word.comments and i < last:
            texts += (between[i], " " * layout.wider.get(i, 0), word.text)
            continue
        column = base + INDENT if begins is None else begins
        base = base if begins is None else begins
        trailing, comments = _split(word.comments)
        if i > 0:
            text = line.text + "".join(texts)
            yield _Line(line.column, text, trailing, found[i - 1].kind == "TOUCHING_SLASH")
            texts.clear()
        if i in layout.apart or (i == last and comments and i > 0):
            yield _Line(0, "")
        beside = column + _HANGS.get(word.text, 0) if i < last else 0
        yield from (_Line(beside, "", comment.text) for comment in comments)
        if i == 0 and comments and word.kind != "USE":
            yield _Line(0, "")
        line = _Line(column, word.text)


def _split(comments: Sequence[Comment]) -> tuple[str, Sequence[Comment]]:
    """Return the text of the comment that trails the word before, and the comments below it."""
    if comments and comments[0].is_trailing:
        return comments[0].text, comments[1:]
    return "", comments


def _aligned(lines: Sequence[_Line]) -> Iterator[str]:
    """Yield lines; comments that trail lines one below the other begin at one column."""
    for trails, group in groupby(lines, key=lambda line: bool(line.text and line.comment)):
        run = list(group)
        column = max(line.column + len(line.text) for line in run) + REMARK
        for line in run:
            text = " " * line.column + line.text
            if trails and not line.touches:
                text = text.ljust(column)
            yield text + line.comment
