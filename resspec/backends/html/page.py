"""The page: a template, a style sheet and a script beside this file, and the data as JSON."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Literal, NamedTuple

from resspec.backends.draw.shapes import Drawing
from resspec.backends.draw.svg import style, to_svg
from resspec.render import visible, visible_json
from resspec.version import __version__

_FOLDER = Path(__file__).parent


Cell = tuple[str, str]  # what is read, and a remark


class PageRow(NamedTuple):
    """A line of the table.

    Attributes:
        label: Its name within the part around it.
        values: To sort by.
        shown: To read.
        keys: The parts of the drawing that belong to it.
        panels: The panels that belong to it.
        own: Its lines of the spec as `file:line`.
        around: The lines around it.
        sign: Of a diff, with what it means.
        inside: The rows that it expands to.
    """

    name: str
    label: str
    holds: str
    values: Sequence[int]
    shown: Sequence[Cell]
    keys: Sequence[str] = ()
    panels: Sequence[str] = ()
    own: Sequence[str] = ()
    around: Sequence[str] = ()
    tint: str = ""
    sign: str = ""
    change: str = ""
    inside: Sequence[PageRow] = ()


class PageColumn(NamedTuple):
    """`wide`: left out on a phone."""

    heading: str
    wide: bool = False


class PageBar(NamedTuple):
    """A bar of parts: the number of an outermost row, its share from 0 to 1, its value."""

    heading: str
    total: str
    parts: Sequence[tuple[int, float, str]]


class PageData(NamedTuple):
    """The data of the script.

    Attributes:
        totals: In large type: name, value, remark.
        total: The foot of the table.
        exact: Names with their values.
        outputs: The outputs that a network names, below their headings.
        sources: Texts by name.
    """

    columns: Sequence[PageColumn]
    rows: Sequence[PageRow]
    totals: Sequence[tuple[str, str, str]]
    total: Sequence[Cell]
    bars: Sequence[PageBar]
    exact: Sequence[Sequence[str]]
    sources: Mapping[str, str]
    outputs: Sequence[Sequence[str]] = ()


class Headings(NamedTuple):
    title: str
    lead: str
    bars: str
    parts: str
    note: str


def lines(rows: Sequence[PageRow]) -> Iterator[str]:
    """Return the lines of the spec that rows, also inside others, are linked with."""
    for row in rows:
        yield from (*row.own, *row.around)
        yield from lines(row.inside)


def page(
    data: PageData, headings: Headings, drawing: Drawing | None, kind: Literal["report", "diff"]
) -> str:
    """Return a whole HTML file."""
    script, sheet = _file("page.js"), _file("page.css") + style()
    allowed = f"style-src {_hash(sheet)}; script-src {_hash(script)}"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    words = {name: _text(value) for name, value in headings._asdict().items()}
    return Template(_file("page.html")).substitute(
        words,
        kind=kind,
        policy=policy,
        style=sheet,
        script=script,
        version=__version__,
        data=_json(_document(data)),
        drawing=to_svg(drawing, alone=False)
        if drawing
        else "<p>A saved report has no drawing.</p>",
    )


def script_hash() -> str:
    """Return the hash of the script of all pages, for the policy of a page around one."""
    return _hash(_file("page.js"))


def _document(data: PageData) -> dict[str, Any]:
    return {
        "columns": [column._asdict() for column in data.columns],
        "rows": list(_flat(data.rows, None, 1)),
        "totals": data.totals,
        "total": data.total,
        "bars": [bar._asdict() for bar in data.bars],
        "exact": data.exact,
        "outputs": data.outputs,
        "sources": [
            {"name": name, "text": [visible(line.expandtabs(4)) for line in text.splitlines()]}
            for name, text in data.sources.items()
        ],
    }


def _flat(
    rows: Sequence[PageRow], parent: int | None, level: int, number: int = 0
) -> Iterator[dict[str, Any]]:
    """Return rows one below the other, each with its `level` and the number of its `parent`."""
    for row in rows:
        document = {**row._asdict(), "level": level, "parent": parent}
        del document["inside"]
        yield document
        inner = list(_flat(row.inside, number, level + 1, number + 1))
        yield from inner
        number += 1 + len(inner)


def _json(document: Any) -> str:
    """Return JSON in which nothing looks like markup to the parser of the page."""
    text = visible_json(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _hash(content: str) -> str:
    """Return the hash by which a policy allows one style sheet or script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _text(words: str) -> str:
    return escape(visible(words))
