"""A difference as JSON `resspec.diff/1`: whole, and to the unit."""

from __future__ import annotations

import json
from typing import Any

from resspec.backends.diff import Diff
from resspec.backends.diff.structure import Structure
from resspec.backends.diff.values import Pair
from resspec.backends.diff.weights import Weights
from resspec.backends.report.json import plain, row_to_json
from resspec.backends.report.values import ReportValues
from resspec.render import visible_json

SCHEMA = "resspec.diff/1"


def to_json(diff: Diff) -> str:
    """Return a difference as JSON, as `schemas/diff.schema.json` describes it.

    Each total has both values and b - a, each section both rows.
    """
    a, b = diff.a.totals, diff.b.totals
    document = {
        "schema": SCHEMA,
        "same": diff.same,
        "a": _side(diff.a),
        "b": _side(diff.b),
        "structure": _structure(diff.structure) if diff.structure else None,
        "totals": {name: {"a": a[name], "b": b[name], "delta": b[name] - a[name]} for name in a},
        "rows": list(map(_row, diff.pairs)),
        "weights": _weights(diff.weights) if diff.weights else None,
    }
    return visible_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _side(report: ReportValues) -> dict[str, Any]:
    outputs = [output.name for output in report.outputs]
    named = {"network": report.network, "hash": report.hash, "input": report.input}
    return {**named, "outputs": outputs}


def _row(pair: Pair) -> dict[str, Any]:
    a, b = pair.figures
    return {
        "label": pair.label,
        "a": pair.a and row_to_json(pair.a),
        "b": pair.b and row_to_json(pair.b),
        "delta": {name: b[name] - a[name] for name in a},
    }


def _structure(structure: Structure) -> dict[str, Any]:
    return {
        "blocks": plain(structure.blocks),
        "changes": plain(structure.changes),
        "sections": structure.sections,
        "only_order": structure.only_order,
    }


def _weights(weights: Weights) -> dict[str, Any]:
    return {
        "loads": weights.loads,
        "a": plain(weights.a),
        "b": plain(weights.b),
        "kept": plain(weights.kept),
        "reshaped": plain(weights.reshaped),
        "vanished": [{"name": tensor.name, "shape": tensor.a} for tensor in weights.vanished],
        "appeared": [{"name": tensor.name, "shape": tensor.b} for tensor in weights.appeared],
    }
