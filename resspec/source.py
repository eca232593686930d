"""Places in text: a source file and the spans that everything later points back to."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class Source:
    """A text with its name in messages. Lines and columns count from 1, columns in characters.

    Attributes:
        is_text: Whether it is text; false for a file or folder as a whole, such as an image.
    """

    __slots__ = ("_shown", "_starts", "is_text", "name", "text")

    def __init__(self, name: str, text: str, *, is_text: bool = True) -> None:
        self.name = name
        self.text = text
        self.is_text = is_text
        self._starts: list[int] | None = None
        self._shown: dict[tuple[int, int], str] = {}

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset."""
        starts = self._lines()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place: the inverse of `place`."""
        return self._lines()[line - 1] + column - 1

    def shown(self, start: int, end: int) -> str:
        """Return a range as the IR keeps it: `file:line:column-line:column`."""
        if (known := self._shown.get((start, end))) is not None:
            return known
        (line, column), (end_line, end_column) = self.place(start), self.place(end)
        shown = self._shown[start, end] = f"{self.name}:{line}:{column}-{end_line}:{end_column}"
        return shown

    def _lines(self) -> list[int]:
        if self._starts is None:
            self._starts = [0, *(i + 1 for i, char in enumerate(self.text) if char == "\n")]
        return self._starts

    def line(self, number: int) -> str:
        starts = self._lines()
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")

    def __repr__(self) -> str:
        return f"Source({self.name!r})"


class Span(NamedTuple):
    """A half-open range of characters of one source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of another."""
        return Span(self.source, self.start, other.end)

    @classmethod
    def of_file(cls, path: object) -> Span:
        """Return the place of a file or folder as a whole."""
        return cls(Source(str(path), "", is_text=False), 0, 0)

    def __str__(self) -> str:
        return self.source.shown(self.start, self.end)


class Label(NamedTuple):
    """A place and a word about it, which may be empty."""

    span: Span
    text: str = ""
