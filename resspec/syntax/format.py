"""The canonical layout of a text: `resspec fmt`. Only blanks, line ends and `;` change; every word and comment stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from resspec.diagnostics import InternalError
from resspec.source import Source
from resspec.syntax.layout import INDENT, Layout
from resspec.syntax.outline import outline
from resspec.syntax.spacing import gaps
from resspec.syntax.words import Word, words

REMARK = 4  # columns between a line and the comment that trails it


def lay_out(source: Source) -> str:
    """Raises SpecError for a text that is not of the language, InternalError rather than give one with other words."""
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
        comments, column = word.comments, layout.column.get(i)
        if column is None and not comments and i < last:
            texts += (between[i], " " * layout.wider.get(i, 0), word.text)
            continue
        base = base if column is None else column
        column = base + INDENT if column is None else column
        if comments and comments[0].is_trailing:
            line = line._replace(
                comment=comments[0].text, touches=found[i - 1].kind == "TOUCHING_SLASH"
            )
            comments = comments[1:]
        if i > 0:
            yield line._replace(text=line.text + "".join(texts))
            texts.clear()
        if i in layout.apart or (i == last and comments and i > 0):
            yield _Line(0, "")
        beside = column + {"->": 3, "|": 2, "}": INDENT}.get(word.text, 0) if i < last else 0
        yield from (_Line(beside, "", comment.text) for comment in comments)
        if i == 0 and comments and word.kind != "USE":
            yield _Line(0, "")
        line = _Line(column, word.text)


def _aligned(lines: Sequence[_Line]) -> Iterator[str]:
    """The comments that trail lines one below the other begin at one column."""
    for trails, run in groupby(lines, key=lambda line: bool(line.text and line.comment)):
        shown = list(run)
        column = max(line.column + len(line.text) for line in shown) + REMARK
        for line in shown:
            text = " " * line.column + line.text
            yield (text.ljust(column) if trails and not line.touches else text) + line.comment
