"""The report: what each section of a network holds, leaves and costs, as values and as JSON `resspec.report/1`."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from resspec.backends.summary import summary
from resspec.diagnostics import UsageError
from resspec.ir.fingerprint import Digests, fingerprint
from resspec.ir.nodes import Network
from resspec.passes.measure import Totals, combine, measure

SCHEMA = "resspec.report/1"


class Row(NamedTuple):
    """A section: the stem, a stage, or the head. `output`: the shape that leaves it, without the batch axis."""

    label: str
    holds: str
    output: str
    totals: Totals


class Report(NamedTuple):
    """All figures are for one sample; `hash` is that of what the network means."""

    network: str
    hash: str
    input: str
    rows: tuple[Row, ...]
    totals: Totals


def report(network: Network, digests: Digests | None = None) -> Report:
    """The report of a network, section by section; `digests` as for the fingerprint."""
    rows = tuple(
        Row(section.label, summary(section.body), str(section.body.output), measure(section.body))
        for section in network.sections
    )
    totals = combine(row.totals for row in rows)
    return Report(network.name, fingerprint(network, digests), str(network.input), rows, totals)


def to_json(report: Report) -> str:
    """As `schemas/report.schema.json` says; all figures are whole numbers."""
    document = {
        "schema": SCHEMA,
        **report._asdict(),
        "totals": report.totals._asdict(),
        "rows": [row_to_json(row) for row in report.rows],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def row_to_json(row: Row) -> dict[str, Any]:
    return {"label": row.label, "holds": row.holds, "output": row.output, **row.totals._asdict()}


def from_json(text: str) -> Report:
    """A report that was saved. Raises UsageError for a text that is none."""
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']!r}")
        rows = tuple(
            Row(_text(row, "label"), _text(row, "holds"), _text(row, "output"), _totals(row)) for row in document["rows"]
        )
        named = {name: _text(document, name) for name in ("network", "hash", "input")}
        return Report(**named, rows=rows, totals=_totals(document["totals"]))
    except KeyError as error:
        raise UsageError(f"this is no {SCHEMA}: it has no {error}") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"this is no {SCHEMA}: {error}") from None


def _text(document: dict[str, Any], name: str) -> str:
    if not isinstance(document[name], str):
        raise TypeError(f"`{name}` is a text")
    return str(document[name])


def _totals(document: dict[str, Any]) -> Totals:
    for name in Totals._fields:
        if type(document[name]) is not int or document[name] < 0:
            raise TypeError(f"`{name}` is a whole number, 0 or more")
    return Totals(*(document[name] for name in Totals._fields))
