"""A report as JSON `resspec.report/1`, and back. All figures are whole numbers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pydantic_core

from resspec.backends.report import Report
from resspec.backends.report.values import MaxBatch, Tensors
from resspec.backends.report.views import VIEWS, Row
from resspec.ir.document import DocumentError, Path, parse
from resspec.ir.quantities import DTYPES, OPTIMIZERS, QUANTITIES, Conditions
from resspec.ir.shape import exact
from resspec.ir.tools import TOOLS
from resspec.passes.like import Item, Like
from resspec.passes.quantities import SUMS, Figures
from resspec.passes.receptive import Field

SCHEMA = "resspec.report/1"
MOST = 10**40  # a figure beyond it is none of a network


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
        "like": report.like
        and {**report.like._asdict(), "bridge": [item._asdict() for item in report.like.bridge]},
    }


def row_to_json(row: Row) -> dict[str, Any]:
    field = row.field and {
        "size": row.field.size,
        "stride": [str(step) for step in row.field.stride],
    }
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
    document = _Part(parse(text, SCHEMA), ())
    document["schema"].one_of((SCHEMA,))
    fits, like = document["max_batch"], document["like"]
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
        like=None if like.value is None else _like(like),
    )


@dataclass(frozen=True)
class _Part:
    """A value of a document, and the keys that lead to it. What it should be and is not raises DocumentError."""

    value: Any
    path: Path

    def wrong(self, what: str) -> DocumentError:
        return DocumentError(SCHEMA, what, self.path)

    def __getitem__(self, key: Any) -> _Part:
        if not isinstance(self.value, dict):
            raise self.wrong("it is not an object")
        if key not in self.value:
            raise self.wrong(f"it has no `{key}`")
        return _Part(self.value[key], (*self.path, key))

    def items(self) -> list[_Part]:
        if not isinstance(self.value, list):
            raise self.wrong("it is not a list")
        return [_Part(value, (*self.path, i)) for i, value in enumerate(self.value)]

    def values(self) -> dict[str, _Part]:
        if not isinstance(self.value, dict):
            raise self.wrong("it is not an object")
        return {key: self[key] for key in self.value}

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("it is not a text")
        return self.value

    def one_of(self, known: Collection[str]) -> Any:
        if self.text() not in known:
            raise self.wrong(f"it must be one of {', '.join(known)}, not {self.value!r:.40}")
        return self.value

    def integer(self) -> int:
        if type(self.value) is not int or abs(self.value) >= MOST:
            raise self.wrong("it is not a whole number")
        return self.value

    def whole(self) -> int:
        if self.integer() < 0:
            raise self.wrong("it is not a whole number, 0 or more")
        return self.integer()

    def fraction(self) -> Fraction:
        if type(self.value) is int:
            return Fraction(self.whole())
        try:
            return exact(self.text())
        except ValueError as error:
            raise self.wrong(str(error)) from None

    def pair(self) -> tuple[_Part, _Part]:
        parts = self.items()
        if len(parts) != 2:
            raise self.wrong("it must have two values, height and width")
        return parts[0], parts[1]


def _conditions(part: _Part) -> Conditions:
    frozen = frozenset(label.text() for label in part["frozen"].items())
    batch, dtype, optimizer = (
        part["batch"].whole(),
        part["dtype"].one_of(DTYPES),
        part["optimizer"].one_of(OPTIMIZERS),
    )
    return Conditions(batch, dtype, optimizer, frozen)


def _max_batch(part: _Part) -> MaxBatch:
    batch = part["batch"]
    return MaxBatch(part["memory"].whole(), None if batch.value is None else batch.whole())


def _like(part: _Part) -> Like:
    bridge = tuple(
        Item(item["label"].text(), item["value"].integer()) for item in part["bridge"].items()
    )
    total = part["total"].whole()
    if total != sum(item.value for item in bridge):
        raise part["bridge"].wrong("it does not lead to the total")
    uncounted = tuple(kind.text() for kind in part["uncounted"].items())
    tool, version, counts = (
        part["tool"].one_of(TOOLS),
        part["version"].text(),
        part["counts"].text(),
    )
    return Like(tool, version, counts, total, bridge, uncounted)


def _row(part: _Part) -> Row:
    label, holds, output = (part[name].text() for name in ("label", "holds", "output"))
    seen = part["receptive_field"]
    field = None if seen.value is None else _field(seen)
    return Row(label, holds, output, part["repeats"].whole(), _figures(part, SUMS), field)


def _field(part: _Part) -> Field:
    (height, width), (down, right) = part["size"].pair(), part["stride"].pair()
    return Field((height.whole(), width.whole()), (down.fraction(), right.fraction()))


def _figures(part: _Part, names: tuple[str, ...]) -> Figures:
    return {name: part[name].whole() for name in names}


def _counts(part: _Part) -> dict[str, int]:
    return {kind: count.whole() for kind, count in part.values().items()}
