"""A report as JSON `resspec.report/1`, and back. All figures are whole numbers."""

from __future__ import annotations

from typing import Any

from resspec.backends.report import Report
from resspec.backends.report.values import MaxBatch, Tensors
from resspec.backends.report.views import VIEWS, ReportRow
from resspec.ir.document import JsonValue, parse, written
from resspec.ir.quantities import DTYPES, OPTIMIZERS, QUANTITIES, Conditions
from resspec.ir.tools import TOOLS
from resspec.passes.like import Item, Like
from resspec.passes.quantities import SUMS, Figures
from resspec.passes.receptive import Field

SCHEMA = "resspec.report/1"


def to_json(report: Report) -> str:
    """Return a report as JSON, as `schemas/report.schema.json` describes it."""
    return written(to_document(report), indent=2) + "\n"


def to_document(report: Report) -> dict[str, Any]:
    """Return a report as values of JSON."""
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
    }


def plain(value: Any) -> Any:
    """Return a value with named tuples in it as objects, and other tuples as lists."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def row_to_json(row: ReportRow) -> dict[str, Any]:
    """Return a row as values of JSON, its figures among them."""
    stride = [str(step) for step in row.field.stride] if row.field else []
    field = row.field and {"size": row.field.size, "stride": stride}
    return {
        "label": row.label,
        "holds": row.holds,
        "output": row.output,
        "repeats": row.repeats,
        **row.figures,
        "receptive_field": field,
    }


def from_json(text: str) -> Report:
    """Return a report that was saved. Raises DocumentError for a text that is none."""
    document = JsonValue(SCHEMA, parse(text, SCHEMA), ())
    document["schema"].one_of((SCHEMA,))
    fits = document["max_batch"]
    return Report(
        network=document["network"].text(),
        hash=document["hash"].text(),
        input=document["input"].text(),
        at=_conditions(document["at"]),
        by=document["by"].one_of(VIEWS),
        rows=tuple(_row(row) for row in document["rows"].items()),
        totals=_figures(document["totals"], tuple(QUANTITIES)),
        tensors=Tensors(*(_counts(document["tensors"][name]) for name in Tensors._fields)),
        max_batch=None if fits.value is None else _max_batch(fits),
        like=tuple(map(_like, document["like"].items())),
    )


def _conditions(part: JsonValue) -> Conditions:
    frozen = frozenset(label.text() for label in part["frozen"].items())
    batch, dtype = part["batch"].whole(), part["dtype"].one_of(DTYPES)
    return Conditions(batch, dtype, part["optimizer"].one_of(OPTIMIZERS), frozen)


def _max_batch(part: JsonValue) -> MaxBatch:
    batch = part["batch"]
    return MaxBatch(part["memory"].whole(), None if batch.value is None else batch.whole())


def _like(part: JsonValue) -> Like:
    items = part["bridge"].items()
    bridge = tuple(Item(item["label"].text(), item["value"].integer()) for item in items)
    total = part["total"].whole()
    if total != sum(item.value for item in bridge):
        raise part["bridge"].wrong("it does not lead to the total")
    uncounted = tuple(kind.text() for kind in part["uncounted"].items())
    tool, version, counts = part["tool"].one_of(TOOLS), part["version"], part["counts"]
    return Like(tool, version.text(), counts.text(), total, bridge, uncounted)


def _row(part: JsonValue) -> ReportRow:
    label, holds, output = (part[name].text() for name in ("label", "holds", "output"))
    seen = part["receptive_field"]
    field = None if seen.value is None else _field(seen)
    return ReportRow(label, holds, output, part["repeats"].whole(), _figures(part, SUMS), field)


def _field(part: JsonValue) -> Field:
    (height, width), (down, right) = part["size"].pair(), part["stride"].pair()
    return Field((height.whole(), width.whole()), (down.fraction(), right.fraction()))


def _figures(part: JsonValue, names: tuple[str, ...]) -> Figures:
    return {name: part[name].whole() for name in names}


def _counts(part: JsonValue) -> dict[str, int]:
    return {kind: count.whole() for kind, count in part.values().items()}
