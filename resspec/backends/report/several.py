"""Several reports side by side: a column for each where they fit, else a row for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from resspec.backends import markdown
from resspec.backends.report import Report
from resspec.backends.report.json import to_document
from resspec.backends.report.table import FIGURES, figure, memory_lines
from resspec.backends.table import GAP, NARROWEST, columns, filled, shown, taken, text
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
    heading, *rows = _side_by_side(reports, titles)
    made = columns(heading, rows, figures=len(reports))
    if taken(made) - GAP <= width:
        parts = filled(made, rows)
    else:
        parts = _rows(reports, titles, width)
    return shown([parts, text(_conditions(reports), "dim")], width, color)


def to_markdown(reports: Sequence[Report], titles: Sequence[str]) -> str:
    """Return reports in GitHub's Markdown, a column for each."""
    heading, *rows = [tuple(map(markdown.escaped, row)) for row in _side_by_side(reports, titles)]
    conditions = markdown.escaped(f"F{_conditions(reports)[1:]}.")
    lines = [*markdown.table(heading, rows, figures=len(reports)), "", conditions]
    return "\n".join(lines) + "\n"


def to_json(reports: Sequence[Report], titles: Sequence[str]) -> str:
    """Return reports as JSON, as `schemas/reports.schema.json` describes them."""
    pairs = zip(titles, reports, strict=True)
    documents = [{"spec": title, "report": to_document(report)} for title, report in pairs]
    document = {"schema": SCHEMA, "reports": documents}
    return visible_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _side_by_side(reports: Sequence[Report], titles: Sequence[str]) -> list[tuple[str, ...]]:
    """Return rows of cells: the names of the networks, then each figure of all of them."""
    rows = [("", *titles), ("input", *(report.input for report in reports))]
    rows += ((name, *(f"{each.totals[name]:,}" for each in reports)) for name in QUANTITIES)
    fits = [report.max_batch for report in reports if report.max_batch]
    if fits:
        batches = ("any" if each.batch is None else f"{each.batch:,}" for each in fits)
        rows.append(("max batch", *batches))
    likes = [report.like for report in reports if report.like]
    if likes:
        rows.append((f"like {likes[0].tool}", *(f"{like.total:,}" for like in likes)))
    return rows


def _conditions(reports: Sequence[Report]) -> str:
    """Return the conditions of all reports."""
    return memory_lines(reports[0])[0].partition(";")[0]


def _rows(reports: Sequence[Report], titles: Sequence[str], width: int) -> Table:
    """Return a table with a row for each report."""
    rows = [
        (title, report.input, *(figure(name, report.totals[name]) for name in FIGURES))
        for title, report in zip(titles, reports, strict=True)
    ]
    spec, *others = columns(("spec", "input", *FIGURES.values()), rows, figures=len(FIGURES))
    room = width - taken(others)
    return filled([spec._replace(width=min(spec.width, room)), *others], rows)
