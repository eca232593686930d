"""Values in notebooks: a network is a drawing, a report and a difference are tables."""

from __future__ import annotations

from contextlib import suppress

from resspec.backends.diff import Diff
from resspec.backends.report import Report, report
from resspec.ir.network import Network


def forms(value: object) -> dict[str, str]:
    """Return how a value is shown, by media type."""
    match value:
        case Network():
            return _of_network(value)
        case Report():
            return _of_report(value)
        case Diff():
            return _of_diff(value)
    return {"text/plain": str(value)}


def _of_network(network: Network) -> dict[str, str]:
    from resspec.api import draw
    from resspec.backends.table import rounded
    from resspec.diagnostics import UsageError

    totals = report(network).totals
    costs = f"{rounded(totals['params'])} params, {rounded(totals['macs'])} macs"
    found = {"text/plain": f"{network.name}: {network.input} -> {network.output}, {costs}"}
    with suppress(UsageError):  # too large to be drawn
        found["image/svg+xml"] = draw(network).svg
    return found


def _of_report(report: Report) -> dict[str, str]:
    from resspec.backends.html.fragment import report_fragment
    from resspec.backends.report.markdown import to_markdown

    return {
        "text/plain": str(report),
        "text/markdown": to_markdown(report),
        "text/html": report_fragment(report),
    }


def _of_diff(diff: Diff) -> dict[str, str]:
    from resspec.backends.diff.markdown import to_markdown
    from resspec.backends.html.fragment import diff_fragment

    return {
        "text/plain": str(diff),
        "text/markdown": to_markdown(diff),
        "text/html": diff_fragment(diff),
    }
