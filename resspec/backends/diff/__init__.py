"""The difference of two networks: of their structure, of what they cost, of their weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from resspec.backends.diff.align import contiguous, paired
from resspec.backends.diff.structure import Structure, placed, structure
from resspec.backends.diff.values import DiffValues, Pair
from resspec.backends.diff.weights import weights
from resspec.backends.report import Report
from resspec.diagnostics import UsageError
from resspec.displayed import Displayed
from resspec.ir.fingerprint import Digests, fingerprint
from resspec.ir.network import Network
from resspec.passes.quantities import SUMS, Figures


class DiffSide(NamedTuple):
    """A network with its report, or a saved report alone.

    Attributes:
        place: From a place as the nodes keep it to the place in this side's own files.
    """

    report: Report
    network: Network | None
    place: Callable[[str], str] = str


class Diff(Displayed, DiffValues):
    """The difference of two networks: structure, cost, weights; printed, it is a table."""

    __slots__ = ()

    def __str__(self) -> str:
        from resspec.backends.diff.table import to_table

        return to_table(self).removesuffix("\n")


def diff(a: DiffSide, b: DiffSide, digests: Digests | None = None) -> Diff:
    """Return the difference of two sides.

    Args:
        a: The first side.
        b: The second side.
        digests: The digests of both networks, if they were computed already.

    Raises:
        UsageError: The reports cannot be compared.
    """
    _comparable(a.report, b.report)
    ours, theirs = _in_common(a.report, b.report)
    rows = ours.rows, theirs.rows
    labels = [[row.label for row in side] for side in rows]
    by_labels = tuple(Pair(*pair) for pair in paired(*rows, contiguous(*labels)))
    if a.network is None or b.network is None:
        return Diff(ours, theirs, by_labels, None, None)
    digests = digests or Digests()
    held = weights(a.network, b.network, digests)
    if a.report.hash == b.report.hash:
        return Diff(ours, theirs, by_labels, Structure(), held)
    found = placed(structure(a.network, b.network, digests), b.place)
    unordered = Digests(digests.hoisting, in_any_order=True)
    sides = (fingerprint(side, unordered) for side in (a.network, b.network))
    found = found._replace(only_order=len(set(sides)) == 1)
    pairs = tuple(
        Pair(None if i is None else rows[0][i], None if j is None else rows[1][j])
        for i, j in found.sections
    )
    return Diff(ours, theirs, pairs, found, held)


def _comparable(a: Report, b: Report) -> None:
    for report in (a, b):
        if report.by != "stage":
            message = f"the report of {report.network} is by {report.by}"
            raise UsageError(f"{message}; a diff needs a report by stage")
    if a.at != b.at:
        counted = f"{a.network} was counted with {_conditions(a)}"
        other = f"{b.network} with {_conditions(b)}"
        raise UsageError(f"{counted}, {other}: report both under the same conditions")


def _in_common(a: Report, b: Report) -> tuple[Report, Report]:
    """Return both reports, reduced to the saved quantities that both have."""
    names = _quantities(a) & _quantities(b)
    return _restricted(a, names), _restricted(b, names)


def _quantities(report: Report) -> set[str]:
    """Return the quantities that a report has in full: in each row, where rows have them."""
    in_rows = set(SUMS).intersection(*(row.figures for row in report.rows))
    return {name for name in report.totals if name in in_rows or name not in SUMS}


def _restricted(report: Report, names: set[str]) -> Report:
    if names == report.totals.keys():
        return report
    rows = [row._replace(figures=_chosen(row.figures, names)) for row in report.rows]
    return report._replace(rows=tuple(rows), totals=_chosen(report.totals, names))


def _chosen(figures: Figures, names: set[str]) -> Figures:
    return {name: value for name, value in figures.items() if name in names}


def _conditions(report: Report) -> str:
    at = report.at
    frozen = f", {', '.join(sorted(at.frozen))} frozen" if at.frozen else ""
    return f"batch {at.batch}, {at.dtype}, {at.optimizer}{frozen}"
