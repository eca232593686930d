"""Several reports side by side: a column for each where they fit, else a row for each.

Each report of a sweep has a row, which begins with the values of its parameters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from resspec.backends import markdown
from resspec.backends.report import Report
from resspec.backends.report.json import to_document
from resspec.backends.report.table import FIGURES, figure, memory_lines
from resspec.backends.report.values import MaxBatch
from resspec.backends.table import GAP, NARROWEST, columns, filled, shown, taken, text
from resspec.ir.quantities import QUANTITIES
from resspec.render import visible_json

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = "resspec.reports/1"
Swept = Sequence[Mapping[str, str]]  # the values of each report's parameters, if it is a sweep


def to_table(
    reports: Sequence[Report],
    titles: Sequence[str],
    swept: Swept = (),
    *,
    width: int = NARROWEST,
    color: bool = False,
) -> str:
    """Return a table of reports, at least one, all under the same conditions.

    Lines have at most `width` columns, or 80 where that is less.
    """
    width = max(width, NARROWEST)
    heading, *rows = _side_by_side(reports, titles)
    made = columns(heading, rows, figures=len(reports))
    if taken(made) - GAP <= width and not swept:
        parts = filled(made, rows)
    else:
        parts = _rows_within(width, reports, titles, swept)
    return shown([parts, text(_conditions(reports), "dim")], width, color)


def to_markdown(reports: Sequence[Report], titles: Sequence[str], swept: Swept = ()) -> str:
    """Return reports in GitHub's Markdown, a column for each, or a row for each of a sweep."""
    cells = _row_for_each(reports, titles, swept) if swept else _side_by_side(reports, titles)
    heading, *rows = [tuple(map(markdown.escaped, row)) for row in cells]
    figures = len(heading) - _names(swept) if swept else len(reports)
    conditions = markdown.escaped(f"F{_conditions(reports)[1:]}.")
    lines = [*markdown.table(heading, rows, figures=figures), "", conditions]
    return "\n".join(lines) + "\n"


def to_json(reports: Sequence[Report], titles: Sequence[str], swept: Swept = ()) -> str:
    """Return reports as JSON, as `schemas/reports.schema.json` describes them."""
    documents = [
        {"spec": title, "report": to_document(report)}
        for title, report in zip(titles, reports, strict=True)
    ]
    for entry, values in zip(documents, swept, strict=False):
        entry["set"] = dict(values)
    document = {"schema": SCHEMA, "reports": documents}
    return visible_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _side_by_side(reports: Sequence[Report], titles: Sequence[str]) -> list[tuple[str, ...]]:
    """Return rows of cells: the names of the networks, then each figure of all of them."""
    rows = [("", *titles), ("input", *(report.input for report in reports))]
    rows += ((name, *(f"{each.totals[name]:,}" for each in reports)) for name in QUANTITIES)
    fits = [report.max_batch for report in reports if report.max_batch]
    if fits:
        rows.append(("max batch", *map(_batch, fits)))
    for likes in zip(*(report.like for report in reports), strict=True):
        rows.append((f"like {likes[0].tool}", *(f"{like.total:,}" for like in likes)))
    return rows


def _conditions(reports: Sequence[Report]) -> str:
    """Return the conditions of all reports."""
    return memory_lines(reports[0])[0].partition(";")[0]


def _row_for_each(
    reports: Sequence[Report], titles: Sequence[str], swept: Swept
) -> Iterator[tuple[str, ...]]:
    """Yield the headings, then a row of cells for each report."""
    settings = swept or [{}] * len(reports)
    first = reports[0]
    fits = ["max batch"] if first.max_batch else []
    like = [f"like {each.tool}" for each in first.like]
    yield "spec", *settings[0], "input", *FIGURES.values(), *fits, *like

    for title, values, report in zip(titles, settings, reports, strict=True):
        cells = [title, *values.values(), report.input]
        cells += [figure(name, report.totals[name]) for name in FIGURES]
        cells += [_batch(report.max_batch)] if report.max_batch else []
        cells += [f"{each.total:,}" for each in report.like]
        yield tuple(cells)


def _batch(fits: MaxBatch) -> str:
    return "any" if fits.batch is None else f"{fits.batch:,}"


def _rows_within(
    width: int, reports: Sequence[Report], titles: Sequence[str], swept: Swept
) -> Table:
    """Return a table with a row for each report."""
    heading, *rows = _row_for_each(reports, titles, swept)
    spec, *others = columns(heading, rows, figures=len(heading) - _names(swept))
    room = width - taken(others)
    return filled([spec._replace(width=min(spec.width, room)), *others], rows)


def _names(swept: Swept) -> int:
    """Return the number of columns before the figures: spec, parameters, input."""
    return 2 + (len(swept[0]) if swept else 0)
