"""Values in notebooks: a network is a drawing, a report and a difference are tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resspec.backends.diff import Diff
    from resspec.backends.report import Report
    from resspec.ir.network import Network


def register() -> None:
    """Register how IPython shows values of resspec; without IPython, do nothing."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    if shell is None:
        return
    formatters = shell.display_formatter.formatters
    svg, markdown = formatters["image/svg+xml"], formatters["text/markdown"]
    svg.for_type_by_name("resspec.ir.network", "Network", _drawing)
    markdown.for_type_by_name("resspec.backends.report", "Report", _report)
    markdown.for_type_by_name("resspec.backends.diff", "Diff", _diff)


def _drawing(network: Network) -> str:
    from resspec.api import draw

    return draw(network).svg


def _report(report: Report) -> str:
    from resspec.backends.report.markdown import to_markdown

    return to_markdown(report)


def _diff(diff: Diff) -> str:
    from resspec.backends.diff.markdown import to_markdown

    return to_markdown(diff)
