"""A saved report or IR as a side of a difference."""

from __future__ import annotations

from resspec.backends.diff import DiffSide
from resspec.backends.report import report
from resspec.backends.report.json import SCHEMA as REPORT
from resspec.backends.report.saved import from_json as report_from_json
from resspec.ir.document import parse
from resspec.ir.json import from_json as ir_from_json
from resspec.ir.nodes import SCHEMA as IR
from resspec.passes.quantities import Known


def from_json(text: str, known: Known) -> DiffSide:
    """Return a saved report, or a saved IR with its report. Raises DocumentError."""
    if parse(text, REPORT).get("schema") == IR:
        network = ir_from_json(text)
        return DiffSide(report(network, known=known), network)
    return DiffSide(report_from_json(text), None)
