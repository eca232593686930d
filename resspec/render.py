"""A diagnostic as text: where it is, the lines of the source with their marks, what helps.

error[E0301]: the two sides of this shortcut have different channels
  --> specs/my.res:14:14
   |
11 |     residual conv 3x3, 128, /stride -> bn
   |              ---------------------------- the residual outputs 128x28x28
14 |     shortcut identity
   |              ^^^^^^^^ identity keeps the 64x56x56 that came in
   |
   = help: use `shortcut B`, which projects where the shape changes
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple, Protocol
from unicodedata import category, combining, east_asian_width

from resspec.source import Label, Source

WIDTH = 120  # cells of a source line; a longer one is cut around what is marked
NEAR = 8 * WIDTH  # characters of a line on each side, of which some may take no cell
TAB = 4

_CODES: dict[str, str] = {
    "error": "1;31",
    "warning": "1;33",
    "secondary": "1;36",
    "gutter": "1;34",
    "bold": "1",
}


class Message(Protocol):
    """The part of a diagnostic that is printed."""

    @property
    def severity(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def labels(self) -> tuple[Label, ...]: ...
    @property
    def help(self) -> str | None: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


def render(diagnostic: Message, *, color: bool = False) -> str:
    """Return a diagnostic as lines of text, each ended.

    No control sequence of the source or of a message reaches a terminal; only the colors do.
    """
    return "".join(line + "\n" for line in _Page(diagnostic, color).lines())


def visible(text: str) -> str:
    """Return a text with `<U+001B>` for each character that a terminal would obey or hide."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def visible_json(text: str) -> str:
    """Return JSON in which each such character is an escape, and so keeps its value."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


class _Mark(NamedTuple):
    """A label's part on one line, in columns from 0, end excluded."""

    line: int
    start: int
    end: int
    text: str
    primary: bool


class _Page:
    def __init__(self, diagnostic: Message, color: bool) -> None:
        self.diagnostic = diagnostic
        self.color = color
        self.files = [(source, sorted(marks)) for source, marks in _by_file(diagnostic.labels)]
        last = max((mark.line for _, marks in self.files for mark in marks), default=1)
        self.gutter = len(str(last))

    def lines(self) -> Iterator[str]:
        d = self.diagnostic
        yield self._paint(f"{d.severity}[{d.code}]", d.severity) + self._paint(
            f": {visible(d.message)}", "bold"
        )
        for number, (source, marks) in enumerate(self.files):
            arrow = ":::" if number else "-->"
            if number:
                yield self._bar()
            yield (
                " " * self.gutter
                + self._paint(arrow, "gutter")
                + f" {_place(source, d.labels, marks)}"
            )
            if source.text:
                yield self._bar()
                yield from self._excerpt(source, marks, d.severity)
        if self.files and (d.help or d.notes) and self.files[-1][0].text:
            yield self._bar()
        for word, text in [("help", d.help)] * bool(d.help) + [("note", note) for note in d.notes]:
            yield from self._remark(word, text or "")

    def _excerpt(self, source: Source, marks: list[_Mark], severity: str) -> Iterator[str]:
        for number, group in groupby(marks, key=lambda mark: mark.line):
            shown = None
            for mark in group:
                line = _Line(source.line(number), mark)
                if line.text != shown:
                    yield self._bar(str(number)) + (f" {line.text}" if line.text else "")
                    shown = line.text
                sign, style = ("^", severity) if mark.primary else ("-", "secondary")
                words = f"{sign * line.width} {visible(mark.text)}".rstrip()
                yield self._bar() + " " * (line.indent + 1) + self._paint(words, style)

    def _remark(self, word: str, text: str) -> Iterator[str]:
        first, *others = text.split("\n")
        yield (
            " " * (self.gutter + 1)
            + self._paint("=", "gutter")
            + f" {self._paint(word, 'bold')}: {visible(first)}"
        )
        for line in others:
            yield " " * (self.gutter + 9) + visible(line)

    def _bar(self, number: str = "") -> str:
        return self._paint(f"{number:>{self.gutter}} |", "gutter")

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.color else text


class _Line:
    """A source line as printed for a mark: its `text`, and the cells that the mark covers."""

    def __init__(self, line: str, mark: _Mark) -> None:
        start, end = mark.start, mark.end
        parts = (
            line[max(start - NEAR, 0) : start],
            line[start : min(end, start + NEAR)],
            line[end : end + NEAR],
        )
        before, marked, after = map(_cells, parts)
        if sum(map(_width, (before, marked, after))) > WIDTH:
            marked = _cut(marked, WIDTH * 2 // 3)
            room = WIDTH - _width(marked)
            before = _cut(before, max(room // 2, room - _width(after)), from_end=True)
            after = _cut(after, room - _width(before))
        self.text = (before + marked + after).rstrip()
        self.indent = _width(before)
        self.width = max(_width(marked), 1)


def _by_file(labels: Iterable[Label]) -> list[tuple[Source, list[_Mark]]]:
    """Return the marks of each file, the file of the primary label first."""
    files: dict[str, tuple[Source, list[_Mark]]] = {}
    for i, label in enumerate(labels):
        source = label.span.source
        files.setdefault(source.name, (source, []))[1].extend(_marks(label, primary=i == 0))
    return list(files.values())


def _marks(label: Label, *, primary: bool) -> Iterator[_Mark]:
    """Yield one mark for a label within a line; else one on its first and one on its last line."""
    span = label.span
    end = max(span.start, span.start + len(span.text.rstrip()))
    (first, left), (last, right) = span.source.place(span.start), span.source.place(end)
    if first == last:
        yield _Mark(first, left - 1, max(right - 1, left), label.text, primary)
        return
    head, tail = span.source.line(first), span.source.line(last)
    yield _Mark(first, left - 1, max(len(head.rstrip()), left), "", primary)
    yield _Mark(last, len(tail) - len(tail.lstrip()), right - 1, label.text, primary)


def _place(source: Source, labels: tuple[Label, ...], marks: list[_Mark]) -> str:
    """Return `file:line:column` of the primary label, or of the first mark in another file.

    A file that is not text is named alone.
    """
    if not source.is_text:
        return visible(source.name)
    line, column = marks[0].line, marks[0].start + 1
    if labels[0].span.source.name == source.name:
        line, column = source.place(labels[0].span.start)
    return f"{visible(source.name)}:{line}:{column}"


def _cells(text: str) -> str:
    """Return source text as printed: tabs widened, invisible characters named."""
    return visible(text.replace("\t", " " * TAB))


def _width(text: str) -> int:
    """Return the number of terminal cells."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if combining(char) or category(char) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def _cut(text: str, width: int, *, from_end: bool = False) -> str:
    """Return at most `width` cells of a text, from its start or end, with `…` for the rest."""
    if _width(text) <= width:
        return text
    kept, cells = "", 1
    for char in reversed(text) if from_end else text:
        cells += _char_width(char)
        if cells > width:
            break
        kept += char
    return "…" + kept[::-1] if from_end else kept + "…"
