"""Reports as CSV, for a spreadsheet or a data frame: raw numbers under the names that JSON has."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from resspec.backends.report import Report
from resspec.passes.quantities import SUMS
from resspec.render import visible


def to_csv(report: Report) -> str:
    """Return a line for each row of the report."""
    rows = ((report.network, *row[:4], *row.figures.values()) for row in report.rows)
    return _text(("network", "label", "holds", "output", "repeats", *SUMS), rows)


def totals_to_csv(reports: Sequence[Report], titles: Sequence[str]) -> str:
    """Return a line for each of several reports, at least one, with its totals.

    All have the same tool and memory, or none. `max_batch` is empty where any fits; `frozen` has
    the labels of sections with blanks between.
    """
    rows = (
        (
            visible(title),
            report.network,
            report.hash,
            report.input,
            report.at.batch,
            report.at.dtype,
            report.at.optimizer,
            " ".join(sorted(report.at.frozen)),
            *report.totals.values(),
            *([report.max_batch.batch] if report.max_batch else []),
            *([report.like.total] if report.like else []),
        )
        for title, report in zip(titles, reports, strict=True)
    )
    fits = ["max_batch"] if reports[0].max_batch else []
    like = [f"like_{reports[0].like.tool}"] if reports[0].like else []
    conditions = ("input", "batch", "dtype", "optimizer", "frozen")
    return _text(("spec", "network", "hash", *conditions, *reports[0].totals, *fits, *like), rows)


def _text(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO(newline="")
    written = csv.writer(out, lineterminator="\n")
    written.writerow(heading)
    written.writerows(rows)
    return out.getvalue()
