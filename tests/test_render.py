"""Diagnostics as text: the format of the reference, and what no source can do to it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from resspec.diagnostics import Diagnostic
from resspec.render import WIDTH, render, visible
from resspec.source import Label, Source, Span

SPEC = Source(
    "specs/my.res",
    """\
block b(width) {
    residual conv 3x3, 128, /stride -> bn

    shortcut identity   # 日本 and more
}
""",
)


def at(source: Source, words: str, text: str = "") -> Label:
    start = source.text.index(words)
    return Label(Span(source, start, start + len(words)), text)


def test_two_places_in_one_file_and_remarks() -> None:
    f = at(SPEC, "conv 3x3, 128, /stride -> bn", "the residual outputs 128x28x28")
    labels = (at(SPEC, "identity", "identity keeps 64x56x56"), f)
    diagnostic = Diagnostic(
        "E0301", "the two sides differ", labels, "use `shortcut B`", ("in `b 64, /2`", "again")
    )
    assert (
        render(diagnostic)
        == """\
error[E0301]: the two sides differ
 --> specs/my.res:4:14
  |
2 |     residual conv 3x3, 128, /stride -> bn
  |              ---------------------------- the residual outputs 128x28x28
4 |     shortcut identity   # 日本 and more
  |              ^^^^^^^^ identity keeps 64x56x56
  |
  = help: use `shortcut B`
  = note: in `b 64, /2`
  = note: again
"""
    )


def test_other_files_follow() -> None:
    library = Source("specs/lib/he2015.res", "\n" * 119 + "shortcut A { same: identity }\n")
    diagnostic = Diagnostic(
        "W0309",
        "no arm",
        (at(SPEC, "identity"), at(library, "A", "declared here"), at(library, "same")),
    )
    assert (
        render(diagnostic)
        == """\
warning[W0309]: no arm
   --> specs/my.res:4:14
    |
  4 |     shortcut identity   # 日本 and more
    |              ^^^^^^^^
    |
   ::: specs/lib/he2015.res:120:10
    |
120 | shortcut A { same: identity }
    |          - declared here
    |              ----
"""
    )


def test_more_than_a_line() -> None:
    diagnostic = Diagnostic(
        "E0233", "mixed", (Label(Span(SPEC, 15, len(SPEC.text)), "all of this"),)
    )
    assert (
        render(diagnostic)
        == """\
error[E0233]: mixed
 --> specs/my.res:1:16
  |
1 | block b(width) {
  |                ^
5 | }
  | ^ all of this
"""
    )


def test_tabs_and_wide_characters_keep_the_marks_in_place() -> None:
    source = Source("a.res", "\t日本\tx -> y\r\n")
    assert (
        render(Diagnostic("E0103", "odd", (at(source, "本"), at(source, "x", "here"))))
        == """\
error[E0103]: odd
 --> a.res:1:3
  |
1 |     日本    x -> y
  |       ^^
  |             - here
"""
    )


def test_an_empty_source_has_no_excerpt() -> None:
    diagnostic = Diagnostic(
        "E0102", "too large", (Label(Span(Source("a.res", ""), 0, 0)),), "repeat"
    )
    assert render(diagnostic) == "error[E0102]: too large\n --> a.res:1:1\n  = help: repeat\n"


@pytest.mark.parametrize(
    ("start", "end", "place", "line", "indent"),
    [
        (3, 6, "1:4", "abc", 3),  # the end of a line, and what follows
        (3, 3, "1:4", "abc", 3),
        (6, 6, "4:1", "", 0),  # the end of the file
        (5, 6, "3:1", "", 0),
        (0, 0, "1:1", "abc", 0),
    ],
)
def test_where_nothing_stands_is_one_mark(
    start: int, end: int, place: str, line: str, indent: int
) -> None:
    source = Source("a.res", "abc\n\n\n")
    lines = render(Diagnostic("E0109", "ends", (Label(Span(source, start, end)),))).splitlines()
    assert lines[1:3] == [f" --> a.res:{place}", "  |"]
    assert lines[3:] == [f"{place[0]} | {line}".rstrip(), "  | " + " " * indent + "^"]


@pytest.mark.parametrize("where", [0, 150, 4000, 7990])
def test_a_long_line_is_cut_around_the_mark(where: int) -> None:
    text = "conv " * 1600
    source = Source("a.res", text[:where] + "HERE" + text[where + 4 :])
    lines = render(Diagnostic("E0201", "long", (at(source, "HERE", "here"),))).splitlines()
    line, mark = lines[3].removeprefix("1 | "), lines[4].removeprefix("  | ")
    assert cell_len(line) <= WIDTH
    assert line[mark.index("^") : mark.rindex("^") + 1] == "HERE"
    assert line.startswith("…") == (where > 0) and line.endswith("…") == (where < 7990)


def test_a_long_mark_is_cut() -> None:
    source = Source("a.res", "x" * 500)
    lines = render(Diagnostic("E0201", "long", (Label(Span(source, 0, 500), "here"),))).splitlines()
    assert len(lines[3]) <= WIDTH + 4 and lines[3].endswith("…") and lines[4].endswith("^ here")


def test_colour_is_all_that_colour_adds() -> None:
    diagnostic = Diagnostic(
        "E0301", "differ", (at(SPEC, "identity", "h"), at(SPEC, "conv", "f")), "help", ("note",)
    )
    coloured = render(diagnostic, color=True)
    assert coloured.count("\x1b[0m") > 5
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(diagnostic)


def test_visible() -> None:
    assert visible("a é 日 ×") == "a é 日 ×"
    assert (
        visible("\x1b[2J\x00\u202e\u200b\x85\ufeff\u00a0")
        == "<U+001B>[2J<U+0000><U+202E><U+200B><U+0085><U+FEFF><U+00A0>"
    )


HOSTILE = st.text(
    st.one_of(st.sampled_from("ab \t\n\r\x1b\x00\u202e\u0301日"), st.characters()), max_size=300
)


@given(
    HOSTILE,
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), HOSTILE), min_size=1, max_size=4),
    HOSTILE,
)
def test_every_line_is_printable(text: str, places: list[tuple[int, int, str]], words: str) -> None:
    source = Source(words, text)
    spans = [Span(source, *sorted((min(a, len(text)), min(b, len(text))))) for a, b, _ in places]
    labels = tuple(Label(span, said) for span, (_, _, said) in zip(spans, places, strict=True))
    lines = render(Diagnostic("E0101", words, labels, words, (words,))).split("\n")
    assert all(line.isprintable() for line in lines)
    assert (
        max(map(cell_len, (line for line in lines if re.match(r" *\d+ \|", line))), default=0)
        <= WIDTH + 6
    )


@given(st.text("ab 日é\t\x1b", min_size=1, max_size=40), st.data())
def test_the_mark_covers_what_it_marks(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    marked = text[start:end].rstrip() or text[start]
    lines = render(
        Diagnostic("E0101", "x", (Label(Span(Source("a.res", text), start, end)),))
    ).splitlines()
    line, mark = lines[3].ljust(WIDTH + 10), lines[4]
    cells = "".join(char + "\0" * (cell_len(char) - 1) for char in line)
    covered = cells[mark.index("^") : mark.rindex("^") + 1].replace("\0", "")
    assert covered == visible(marked.replace("\t", "    "))
