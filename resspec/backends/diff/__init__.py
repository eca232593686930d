"""Two reports side by side: stages paired by their labels in order, and the totals with what changed."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from resspec.backends.report import Report, Row, row_to_json
from resspec.passes.measure import Totals

SCHEMA = "resspec.diff/1"


class Pair(NamedTuple):
    """A stage on both sides; None where a side has none of this label at this place."""

    label: str
    a: Row | None
    b: Row | None

    @property
    def same(self) -> bool:
        return self.a == self.b


class Diff(NamedTuple):
    a: Report
    b: Report
    pairs: tuple[Pair, ...]

    @property
    def same(self) -> bool:
        """Whether both mean the same network, whatever it is called and however its author divides it into stages."""
        return self.a.hash == self.b.hash


def diff(a: Report, b: Report) -> Diff:
    return Diff(a, b, tuple(_pairs(a.rows, b.rows)))


def to_json(diff: Diff) -> str:
    """As `schemas/diff.schema.json` says: of each total both values and b - a, of each stage both rows."""
    a, b = diff.a.totals._asdict(), diff.b.totals._asdict()
    document = {
        "schema": SCHEMA,
        "same": diff.same,
        "a": _side(diff.a),
        "b": _side(diff.b),
        "totals": {name: {"a": a[name], "b": b[name], "delta": b[name] - a[name]} for name in Totals._fields},
        "rows": [{"label": p.label, "a": p.a and row_to_json(p.a), "b": p.b and row_to_json(p.b)} for p in diff.pairs],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _side(report: Report) -> dict[str, Any]:
    return {"network": report.network, "hash": report.hash, "input": report.input}


def _pairs(a: tuple[Row, ...], b: tuple[Row, ...]) -> list[Pair]:
    pairs: list[Pair] = []
    matcher = SequenceMatcher(None, [row.label for row in a], [row.label for row in b], autojunk=False)
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        if tag == "equal":
            pairs += (Pair(x.label, x, y) for x, y in zip(a[a0:a1], b[b0:b1], strict=True))
        else:
            pairs += (Pair(x.label, x, None) for x in a[a0:a1])
            pairs += (Pair(y.label, None, y) for y in b[b0:b1])
    return pairs
