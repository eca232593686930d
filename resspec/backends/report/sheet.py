"""Reports as CSV: raw numbers under the names that JSON has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from resspec.backends.report import Report
from resspec.backends.sheet import to_sheet
from resspec.passes.quantities import SUMS
from resspec.render import visible


def to_csv(report: Report) -> str:
    """Return a line for each row of the report, and a last one labeled `total`."""
    name = report.network
    rows = [(name, *row[:4], *row.figures.values()) for row in report.rows]
    total = (name, "total", "", "", 1, *(report.totals[each] for each in SUMS))
    return to_sheet(("network", "label", "holds", "output", "repeats", *SUMS), [*rows, total])


def totals_to_csv(
    reports: Sequence[Report], titles: Sequence[str], swept: Sequence[Mapping[str, str]] = ()
) -> str:
    """Return a line for each of several reports, at least one, with its totals.

    All have the same tools and memory, or none. `max_batch` is empty where any fits; `frozen` has
    the labels of sections, separated by spaces. Each swept parameter has a column `set_NAME`.
    """
    first, lines = reports[0], []
    settings = swept or [{}] * len(reports)
    for title, values, report in zip(titles, settings, reports, strict=True):
        batch, dtype, optimizer, frozen = report.at
        spec = visible(title), *map(visible, values.values())
        named = *spec, report.network, report.hash, report.input
        conditions = batch, dtype, optimizer, " ".join(sorted(frozen))
        fits = [report.max_batch.batch] if report.max_batch else []
        like = [each.total for each in report.like]
        lines.append((*named, *conditions, *report.totals.values(), *fits, *like))
    headings = ["spec", *(f"set_{name}" for name in settings[0])]
    headings += "network hash input batch dtype optimizer frozen".split() + list(first.totals)
    headings += ["max_batch"] if first.max_batch else []
    headings += [f"like_{each.tool}" for each in first.like]
    return to_sheet(headings, lines)
