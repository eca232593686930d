"""A report as a pandas DataFrame."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from resspec.backends.report.values import ReportValues
from resspec.diagnostics import UsageError


def to_frame(report: ReportValues) -> Any:
    """Return a `DataFrame` with a row for each part. Raises UsageError without pandas."""
    try:
        pandas = import_module("pandas")
    except ModuleNotFoundError:
        raise UsageError("a DataFrame needs pandas: pip install pandas") from None
    rows = [
        {"holds": row.holds, "output": row.output, "repeats": row.repeats, **row.figures}
        for row in report.rows
    ]
    labels = pandas.Index([row.label for row in report.rows], name=report.by)
    return pandas.DataFrame(rows, index=labels)
