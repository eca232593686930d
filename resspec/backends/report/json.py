"""A report as JSON `resspec.report/1`, and back. All figures are whole numbers."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pydantic_core

from resspec.backends.report import MaxBatch, Report, Tensors
from resspec.backends.report.views import VIEWS, Row
from resspec.diagnostics import UsageError
from resspec.ir.quantities import DTYPES, OPTIMIZERS, QUANTITIES, Conditions
from resspec.ir.tools import TOOLS
from resspec.passes.like import Item, Like
from resspec.passes.quantities import SUMS, Figures
from resspec.passes.receptive import Field

SCHEMA = "resspec.report/1"


def to_json(report: Report) -> str:
    """As `schemas/report.schema.json` says."""
    return f"{pydantic_core.to_json(to_document(report), indent=2).decode()}\n"


def to_document(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "network": report.network,
        "hash": report.hash,
        "input": report.input,
        "at": {**report.at._asdict(), "frozen": sorted(report.at.frozen)},
        "by": report.by,
        "rows": [row_to_json(row) for row in report.rows],
        "totals": report.totals,
        "tensors": report.tensors._asdict(),
        "max_batch": report.max_batch and report.max_batch._asdict(),
        "like": report.like and {**report.like._asdict(), "bridge": [item._asdict() for item in report.like.bridge]},
    }


def row_to_json(row: Row) -> dict[str, Any]:
    field = row.field and {"size": row.field.size, "stride": [str(step) for step in row.field.stride]}
    return {
        "label": row.label, "holds": row.holds, "output": row.output, "repeats": row.repeats, **row.figures,
        "receptive_field": field,
    }


def from_json(text: str) -> Report:
    """A report that was saved. Raises UsageError for a text that is none."""
    try:
        document = json.loads(text)
        if not isinstance(document, dict):
            raise ValueError("it is no object")
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is {document['schema']!r}")
        if document["by"] not in VIEWS:
            raise ValueError(f"`by` is one of {', '.join(VIEWS)}")
        named = {name: _text(document, name) for name in ("network", "hash", "input")}
        fits = document["max_batch"]
        return Report(
            **named,
            at=_conditions(document["at"]),
            by=document["by"],
            rows=tuple(map(_row, document["rows"])),
            totals=_figures(document["totals"], tuple(QUANTITIES)),
            tensors=Tensors(*(_counts(document["tensors"], name) for name in Tensors._fields)),
            max_batch=fits and MaxBatch(_whole(fits, "memory"), fits["batch"] and _whole(fits, "batch")),
            like=document["like"] and _like(document["like"]),
        )
    except KeyError as error:
        raise UsageError(f"this is no {SCHEMA}: it has no {error}") from None
    except (ValueError, TypeError, AttributeError, RecursionError, ZeroDivisionError) as error:
        raise UsageError(f"this is no {SCHEMA}: {error}") from None


def _conditions(document: dict[str, Any]) -> Conditions:
    if document["dtype"] not in DTYPES or document["optimizer"] not in OPTIMIZERS:
        raise ValueError("`at` has a type or an optimizer that nobody knows")
    frozen = frozenset(_text({"frozen": label}, "frozen") for label in document["frozen"])
    return Conditions(_whole(document, "batch"), document["dtype"], document["optimizer"], frozen)


def _like(document: dict[str, Any]) -> Like:
    if document["tool"] not in TOOLS:
        raise ValueError("`like` has a tool that nobody knows")
    bridge = tuple(Item(_text(item, "label"), _integer(item, "value")) for item in document["bridge"])
    if _whole(document, "total") != sum(item.value for item in bridge):
        raise ValueError("`like` has a bridge that does not lead to its total")
    version, counts = (_text(document, name) for name in ("version", "counts"))
    uncounted = tuple(_text({"uncounted": kind}, "uncounted") for kind in document["uncounted"])
    return Like(document["tool"], version, counts, document["total"], bridge, uncounted)


def _row(document: dict[str, Any]) -> Row:
    seen = document["receptive_field"]
    field = seen and Field(_pair(seen["size"], int), _pair(seen["stride"], Fraction))
    label, holds, output = (_text(document, name) for name in ("label", "holds", "output"))
    return Row(label, holds, output, _whole(document, "repeats"), _figures(document, SUMS), field)


def _pair(values: Any, kind: Any) -> Any:
    one, other = values
    return kind(one), kind(other)


def _figures(document: dict[str, Any], names: tuple[str, ...]) -> Figures:
    return {name: _whole(document, name) for name in names}


def _counts(document: dict[str, Any], name: str) -> dict[str, int]:
    return {kind: _whole(document[name], kind) for kind in document[name]}


def _whole(document: dict[str, Any], name: str) -> int:
    value = _integer(document, name)
    if value < 0:
        raise TypeError(f"`{name}` is a whole number, 0 or more")
    return value


def _integer(document: dict[str, Any], name: str) -> int:
    value = document[name]
    if type(value) is not int:
        raise TypeError(f"`{name}` is a whole number")
    return value


def _text(document: dict[str, Any], name: str) -> str:
    if not isinstance(document[name], str):
        raise TypeError(f"`{name}` is a text")
    return str(document[name])
