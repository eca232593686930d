"""The origin of a folded network's weights as JSON `resspec.folding/1`."""

from __future__ import annotations

from typing import Any

from resspec.ir.json_text import written
from resspec.passes.folded import Folded, FoldedSum, Folding

SCHEMA = "resspec.folding/1"


def to_json(folding: Folding) -> str:
    """Return for each layer that changed the names of the layers that it replaces.

    They are in the order in which they run; `{"sum": [...]}` stands for parallel paths.
    """
    document = {
        "schema": SCHEMA,
        "network": folding.network.name,
        "layers": {name: _listed(folded) for name, folded in folding.layers.items()},
        "left": list(folding.left),
    }
    return written(document, indent=2) + "\n"


def _listed(folded: Folded) -> list[Any]:
    return [
        {"sum": [_listed(path) for path in part.paths]}
        if isinstance(part, FoldedSum)
        else part.name
        for part in folded
    ]
