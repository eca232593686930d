"""Positions: lines and characters of an editor, offsets in its text, and offsets in a source.

A source is the text as the parser reads it: without a byte-order mark, and with line feeds alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import Any, TypedDict

from resspec.source import Span

ENCODINGS = ("utf-16", "utf-8", "utf-32")  # the units that a position counts in
_LINE_END = re.compile(r"\r\n|\n|\r")


class Position(TypedDict):
    """A place between two characters, from 0."""

    line: int
    character: int


class Range(TypedDict):
    """A half-open range of a text."""

    start: Position
    end: Position


class Lines:
    """The lines of a text as an editor counts them."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text = text
        self.encoding = encoding
        self._mark = int(text.startswith("\ufeff"))
        self._starts, self._ends = [0], list[int]()
        self._dropped: list[int] = []  # the carriage returns that a source does not have
        for end in _LINE_END.finditer(text):
            self._ends.append(end.start())
            self._starts.append(end.end())
            if end[0] == "\r\n":
                self._dropped.append(end.start())
        self._ends.append(len(text))

    def __len__(self) -> int:
        return len(self._starts)

    # --- positions and offsets ---

    def position(self, offset: int) -> Position:
        """Return the position of an offset in the text."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        end = min(offset, self._ends[line])
        return {"line": line, "character": self.units(self.text[start:end])}

    def offset(self, position: Any) -> int:
        """Return the offset of a position; beyond a line, its end; beyond the text, its end."""
        line, character = int(position["line"]), int(position["character"])
        if line >= len(self._starts):
            return len(self.text)
        start, end = self._starts[max(line, 0)], self._ends[max(line, 0)]
        within = self.text[start:end]
        if self.encoding == "utf-32" or within.isascii():
            return start + min(max(character, 0), len(within))
        for i, char in enumerate(within):
            if character <= 0:
                return start + i
            character -= self.units(char)
        return end

    def units(self, text: str) -> int:
        """Return the length of a text in units of the encoding."""
        if self.encoding == "utf-32" or text.isascii():
            return len(text)
        if self.encoding == "utf-8":
            return len(text.encode(errors="surrogatepass"))
        return len(text) + sum(char > "\uffff" for char in text)

    # --- sources ---

    def in_text(self, offset: int) -> int:
        """Return the offset in the text for one in the source."""
        before = offset + self._mark
        low, high = 0, len(self._dropped)
        while low < high:  # a return is dropped before the source's line feed at its place
            middle = (low + high) // 2
            if self._dropped[middle] - middle < before:
                low = middle + 1
            else:
                high = middle
        return before + low

    def in_source(self, offset: int) -> int:
        """Return the offset in the source for one in the text."""
        return max(0, offset - self._mark - bisect_left(self._dropped, offset))

    def range(self, start: int, end: int) -> Range:
        """Return the range between two offsets in the source."""
        return {
            "start": self.position(self.in_text(start)),
            "end": self.position(self.in_text(end)),
        }

    def of_span(self, span: Span) -> Range:
        """Return the range of a span of the source."""
        return self.range(span.start, span.end)

    def place(self, position: Any) -> int:
        """Return the offset in the source for a position."""
        return self.in_source(self.offset(position))


def same_place(offset: int, before: str, after: str) -> int | None:
    """Return where an offset in a text was before an edit; None inside of what the edit changed."""
    if before == after:
        return offset
    shortest = min(len(before), len(after))
    head = 0
    while head < shortest and before[head] == after[head]:
        head += 1
    if offset <= head:
        return offset
    tail = 0
    while tail < shortest - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return offset + len(before) - len(after) if offset >= len(after) - tail else None
