"""Reports as CSV: raw numbers under the names that JSON has."""

from __future__ import annotations

from collections.abc import Sequence

from resspec.backends.report import Report
from resspec.backends.sheet import to_sheet
from resspec.passes.quantities import SUMS
from resspec.render import visible


def to_csv(report: Report) -> str:
    """Return a line for each row of the report."""
    rows = ((report.network, *row[:4], *row.figures.values()) for row in report.rows)
    return to_sheet(("network", "label", "holds", "output", "repeats", *SUMS), rows)


def totals_to_csv(reports: Sequence[Report], titles: Sequence[str]) -> str:
    """Return a line for each of several reports, at least one, with its totals.

    All have the same tool and memory, or none. `max_batch` is empty where any fits; `frozen` has
    the labels of sections with blanks between.
    """
    first, lines = reports[0], []
    for title, report in zip(titles, reports, strict=True):
        batch, dtype, optimizer, frozen = report.at
        named = visible(title), report.network, report.hash, report.input
        conditions = batch, dtype, optimizer, " ".join(sorted(frozen))
        fits = [report.max_batch.batch] if report.max_batch else []
        like = [report.like.total] if report.like else []
        lines.append((*named, *conditions, *report.totals.values(), *fits, *like))
    headings = "spec network hash input batch dtype optimizer frozen".split() + list(first.totals)
    headings += ["max_batch"] if first.max_batch else []
    headings += [f"like_{first.like.tool}"] if first.like else []
    return to_sheet(headings, lines)
