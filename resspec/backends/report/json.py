"""A report as JSON `resspec.report/1`. All figures are whole numbers."""

from __future__ import annotations

from typing import Any

from resspec.backends.report import Report
from resspec.backends.report.views import OutputRow, ReportRow
from resspec.ir.json_text import written
from resspec.passes.receptive import Field

SCHEMA = "resspec.report/1"


def to_json(report: Report) -> str:
    """Return a report as JSON, as `schemas/report.schema.json` describes it."""
    return written(to_document(report), indent=2) + "\n"


def to_document(report: Report) -> dict[str, Any]:
    """Return a report as values of JSON."""
    unknown = {"placeholders": report.placeholders} if report.placeholders else {}
    return {
        "schema": SCHEMA,
        "network": report.network,
        "hash": report.hash,
        "input": report.input,
        "at": {**report.at._asdict(), "frozen": sorted(report.at.frozen)},
        "by": report.by,
        "rows": [row_to_json(row) for row in report.rows],
        "totals": report.totals,
        "tensors": plain(report.tensors),
        "max_batch": plain(report.max_batch),
        "like": plain(report.like),
        "outputs": [_output_to_json(output) for output in report.outputs],
        **unknown,
    }


def plain(value: Any) -> Any:
    """Return a value with named tuples in it as objects, and other tuples as lists."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def _output_to_json(output: OutputRow) -> dict[str, Any]:
    named = {"name": output.name, "shape": output.shape, "channels": output.channels}
    return {**named, "receptive_field": _field_to_json(output.field)}


def _field_to_json(field: Field) -> dict[str, Any]:
    return {"size": field.size, "stride": [str(step) for step in field.stride]}


def row_to_json(row: ReportRow) -> dict[str, Any]:
    """Return a row as values of JSON, its figures among them."""
    field = row.field and _field_to_json(row.field)
    return {
        "label": row.label,
        "holds": row.holds,
        "output": row.output,
        "repeats": row.repeats,
        **row.figures,
        "receptive_field": field,
    }
