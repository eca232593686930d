"""A report as Markdown, for a pull request or a page: a row for each part, then exact totals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resspec.backends.markdown import escaped, folded, table
from resspec.backends.report import Report
from resspec.backends.report.table import (
    FIGURES,
    LIKE_HEADINGS,
    OUTPUT_HEADINGS,
    figure,
    like_lines,
    like_rows,
    memory_lines,
    output_rows,
    times,
)
from resspec.passes.like import Like


def to_markdown(report: Report) -> str:
    """Return a report in GitHub's Markdown."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"**{escaped(report.network)}**, input {report.input}, hash `{report.hash[:16]}`"
    yield ""
    yield from table(
        (report.by, "holds", "output", *FIGURES.values(), "of macs"),
        _rows(report),
        figures=len(FIGURES) + 1,
    )
    if report.outputs:
        lines = (tuple(map(escaped, line)) for line in output_rows(report))
        yield from table(OUTPUT_HEADINGS, lines, figures=3)
    yield from folded(
        "Totals to the unit",
        list(
            table(
                ("total", ""),
                ((f"`{name}`", f"{value:,}") for name, value in report.totals.items()),
                figures=1,
            )
        ),
    )
    yield ""
    yield from map(_sentence, memory_lines(report))
    if report.like:
        yield ""
        yield from _like(report.like)


def _like(likes: Sequence[Like]) -> Iterator[str]:
    if len(likes) > 1:
        rows = (map(escaped, row) for row in like_rows(likes))
        yield from table(LIKE_HEADINGS, map(tuple, rows), figures=0)
    else:
        (like,) = likes
        items = ((escaped(item.label), f"{item.value:,}") for item in like.bridge)
        yield from table((f"like {like.tool}", f"{like.total:,}"), items, figures=1)
    yield ""
    yield from map(_sentence, like_lines(likes))


def _sentence(line: str) -> str:
    words = escaped(line)
    return f"{words[0].upper()}{words[1:]}.  "


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    whole = report.totals["macs"]
    for row in report.rows:
        label = escaped(f"{row.label} {times(row)}".rstrip())
        figures = (figure(name, row.figures[name]) for name in FIGURES)
        yield (
            label,
            escaped(row.holds),
            row.output,
            *figures,
            f"{row.figures['macs'] / whole:.0%}" if whole else "",
        )
    yield "**total**", "", "", *(f"**{figure(name, report.totals[name])}**" for name in FIGURES), ""
