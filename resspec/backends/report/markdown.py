"""A report as Markdown, for a pull request or a page: a row for each part, then the totals to the unit."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.backends.markdown import escaped, folded, table
from resspec.backends.report import Report
from resspec.backends.report.table import FIGURES, figure, memory_lines, times


def to_markdown(report: Report) -> str:
    """GitHub's dialect."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"**{escaped(report.network)}**, input {report.input}, hash `{report.hash[:16]}`"
    yield ""
    yield from table((report.by, "holds", "output", *FIGURES.values(), "of macs"), _rows(report), figures=len(FIGURES) + 1)
    yield from folded("Totals to the unit", list(
        table(("total", ""), ((f"`{name}`", f"{value:,}") for name, value in report.totals.items()), figures=1)
    ))
    yield ""
    yield from (f"{escaped(line)[0].upper()}{escaped(line)[1:]}.  " for line in memory_lines(report))


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    whole = report.totals["macs"]
    for row in report.rows:
        label = escaped(f"{row.label} {times(row)}".rstrip())
        figures = (figure(name, row.figures[name]) for name in FIGURES)
        yield label, escaped(row.holds), row.output, *figures, f"{row.figures['macs'] / whole:.0%}" if whole else ""
    yield "**total**", "", "", *(f"**{figure(name, report.totals[name])}**" for name in FIGURES), ""
