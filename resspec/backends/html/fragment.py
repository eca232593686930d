"""Reports and differences as HTML inside another page: no script, no style sheet, no links.

Jupyter removes scripts from notebooks of others, and GitHub removes styles too; what is left must
be readable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from resspec.backends.diff.sentences import change, verdict, weights_sentences
from resspec.backends.diff.values import DiffValues
from resspec.backends.diff.words import lines
from resspec.backends.report.table import FIGURES, figure, memory_lines, times
from resspec.backends.report.values import ReportValues
from resspec.render import visible

_MOST_CHANGES = 20
_BAR = "rgba(70, 130, 220, 0.35)"  # on light and dark pages
_SIGNS = {"~": "changed", "-": "removed", "+": "added"}

Cell = str


def report_fragment(report: ReportValues) -> str:
    """Return a report as a table of its parts, with bars for the macs, and exact totals."""
    whole = report.totals["macs"]
    parts = [
        (
            _text(f"{row.label} {times(row)}".rstrip()),
            _text(row.holds),
            row.output,
            *(figure(name, row.figures[name]) for name in FIGURES),
            _share(row.figures["macs"], whole),
        )
        for row in report.rows
    ]
    sums = (f"<b>{figure(name, report.totals[name])}</b>" for name in FIGURES)
    parts.append(("<b>total</b>", "", "", *sums, ""))
    headings = (report.by, "holds", "output", *FIGURES.values(), "of macs")
    exact = [(name, f"{value:,}") for name, value in report.totals.items()]
    return "".join(
        (
            f"<p><b>{_text(report.network)}</b>, input {report.input}, ",
            f"hash <code>{report.hash[:16]}</code></p>",
            _table(headings, parts, figures=len(FIGURES) + 1),
            _folded("Totals to the unit", _table(("total", ""), exact, figures=1)),
            *(f"<p>{_text(line)}</p>" for line in memory_lines(report)),
        )
    )


def diff_fragment(diff: DiffValues) -> str:
    """Return a difference: its verdict, the totals, what changed, and which weights fit."""
    a, b = diff.a, diff.b
    title = f"<p><b>{_text(a.network)} → {_text(b.network)}</b>: {_text(verdict(diff))}</p>"
    if diff.same:
        return title
    totals = [
        (name, *change(a.totals[name], b.totals[name]))
        for name in a.totals
        if a.totals[name] != b.totals[name]
    ]
    parts = [title]
    if totals:
        parts.append(_table(("total", "before", "after", "change", ""), totals, figures=4))
    if diff.structure:
        parts.append("".join(_changes(diff)))
    if diff.weights:
        sentence, *_ = weights_sentences(diff.weights)
        parts.append(f"<p>{_text(sentence[0].upper() + sentence[1:])}.</p>")
    return "".join(parts)


def _changes(diff: DiffValues) -> Iterator[str]:
    assert diff.structure is not None
    found = lines(diff.structure)
    rows = [
        (_SIGNS[line.sign], f"<code>{_text(line.where)}</code>", _text(line.what))
        for line in found[:_MOST_CHANGES]
    ]
    yield _table(("", "where", "change"), rows, figures=0)
    if len(found) > _MOST_CHANGES:
        yield f"<p>… and {len(found) - _MOST_CHANGES:,} more changes</p>"


def _share(part: int, whole: int) -> str:
    """Return a share in percent, on a bar of its length."""
    if not whole:
        return ""
    percent = f"{part / whole:.0%}"
    bar = f"linear-gradient(90deg, {_BAR} {percent}, transparent {percent})"
    return f'<div style="background: {bar}; min-width: 5em">{percent}</div>'


def _table(headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, figures: int) -> str:
    """Return a table whose last columns are `figures`, aligned right; cells are HTML."""
    words = len(headings) - figures
    head = "".join(_cell("th", text, i >= words) for i, text in enumerate(headings))
    body = "".join(
        f"<tr>{''.join(_cell('td', cell, i >= words) for i, cell in enumerate(row))}</tr>"
        for row in rows
    )
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div style="overflow-x: auto">{whole}</div>'


def _cell(tag: str, content: Cell, is_figure: bool) -> str:
    side = "right" if is_figure else "left"
    return f'<{tag} style="text-align: {side}">{content}</{tag}>'


def _folded(title: str, inside: str) -> str:
    return f"<details><summary>{title}</summary>{inside}</details>"


def _text(words: str) -> str:
    return escape(visible(words))
