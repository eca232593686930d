"""Several reports side by side: a column for each where they fit, else a row for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from resspec.backends import markdown
from resspec.backends.report import Report
from resspec.backends.report.json import to_document
from resspec.backends.report.table import FIGURES, figure, memory_lines
from resspec.backends.table import GAP, NARROWEST, Column, longest, shown, table, text
from resspec.ir.quantities import QUANTITIES
from resspec.render import visible_json

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = "resspec.reports/1"


def to_table(
    reports: Sequence[Report], titles: Sequence[str], *, width: int = NARROWEST, color: bool = False
) -> str:
    """Return a table of reports, at least one, all under the same conditions.

    Lines have at most `width` columns, or 80 where that is less.
    """
    width = max(width, NARROWEST)
    columns = _side_by_side(reports, titles)
    needed = sum(longest(*column) + GAP for column in columns) - GAP
    made = _columns(columns) if needed <= width else _rows(reports, titles, width)
    return shown([made, text(_conditions(reports), "dim")], width, color)


def to_markdown(reports: Sequence[Report], titles: Sequence[str]) -> str:
    """Return reports in GitHub's Markdown, a column for each."""
    heading, *rows = zip(*_side_by_side(reports, titles), strict=True)
    cells = (tuple(map(markdown.escaped, row)) for row in rows)
    lines = [
        *markdown.table(tuple(map(markdown.escaped, heading)), cells, figures=len(reports)),
        "",
        markdown.escaped(f"F{_conditions(reports)[1:]}."),
    ]
    return "\n".join(lines) + "\n"


def to_json(reports: Sequence[Report], titles: Sequence[str]) -> str:
    """Return reports as JSON, as `schemas/reports.schema.json` describes them."""
    documents = [
        {"spec": title, "report": to_document(report)}
        for title, report in zip(titles, reports, strict=True)
    ]
    return (
        visible_json(
            json.dumps({"schema": SCHEMA, "reports": documents}, indent=2, ensure_ascii=False)
        )
        + "\n"
    )


def _side_by_side(reports: Sequence[Report], titles: Sequence[str]) -> list[list[str]]:
    """Return columns of cells: the names of the figures, then those of each report."""
    names = ["", "input", *QUANTITIES]
    if any(report.max_batch for report in reports):
        names.append("max batch")
    names += [f"like {reports[0].like.tool}"] if reports[0].like else []
    return [
        names,
        *(
            [
                title,
                report.input,
                *(f"{report.totals[name]:,}" for name in QUANTITIES),
                *_max_batch(report),
                *([f"{report.like.total:,}"] if report.like else []),
            ]
            for title, report in zip(titles, reports, strict=True)
        ),
    ]


def _conditions(reports: Sequence[Report]) -> str:
    """Return the figures of all reports."""
    return memory_lines(reports[0])[0].partition(";")[0]


def _max_batch(report: Report) -> list[str]:
    if report.max_batch is None:
        return []
    return ["any" if report.max_batch.batch is None else f"{report.max_batch.batch:,}"]


def _columns(columns: list[list[str]]) -> Table:
    made = table(
        Column(column[0], longest(*column), figures=i > 0) for i, column in enumerate(columns)
    )
    for row in zip(*(column[1:] for column in columns), strict=True):
        made.add_row(*map(text, row))
    return made


def _rows(reports: Sequence[Report], titles: Sequence[str], width: int) -> Table:
    cells = [[figure(name, report.totals[name]) for name in FIGURES] for report in reports]
    figures = [
        Column(heading, longest(heading, *column), True)
        for heading, column in zip(FIGURES.values(), zip(*cells, strict=True), strict=True)
    ]
    sizes = Column("input", longest("input", *(report.input for report in reports)))
    room = width - sum(column.width + GAP for column in (*figures, sizes))
    made = table([Column("spec", min(longest("spec", *titles), room)), sizes, *figures])
    for title, report, row in zip(titles, reports, cells, strict=True):
        made.add_row(text(title), text(report.input), *row)
    return made
