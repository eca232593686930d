"""The parts of the published schemas that list quantities, made of QUANTITIES."""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from resspec.backends.report.saved import ALWAYS
from resspec.ir.quantities import QUANTITIES
from resspec.passes.quantities import SUMS

SCHEMAS = Path(__file__).parents[2] / "schemas"
_INTEGER = {"type": "integer"}
_CHANGE = {"$ref": "#/$defs/change"}


def published(name: str) -> Any:
    """Return a schema as it is published."""
    return json.loads(path_of(name).read_text(encoding="utf-8"))


def path_of(name: str) -> Path:
    return SCHEMAS / f"{name}.schema.json"


def with_quantities(name: str) -> Any:
    """Return the schema of a `report` or a `diff` with the quantities of this version."""
    schema = deepcopy(published(name))
    match name:
        case "report":
            _list_quantities(schema["$defs"]["totals"], _described(QUANTITIES))
            _list_quantities(schema["$defs"]["row"], _described(SUMS))
        case "diff":
            _list_quantities(schema["properties"]["totals"], dict.fromkeys(QUANTITIES, _CHANGE))
            delta = schema["properties"]["rows"]["items"]["properties"]["delta"]
            _list_quantities(delta, dict.fromkeys(SUMS, _INTEGER))
    return schema


def _described(names: Iterable[str]) -> dict[str, Any]:
    quantity = {"$ref": "#/$defs/quantity"}
    return {name: {"description": QUANTITIES[name].says, **quantity} for name in names}


def _list_quantities(part: dict[str, Any], quantities: dict[str, Any]) -> None:
    """Put quantities in place of those of an object, which is where its first one was.

    Only those are required that every report has, whatever version wrote it.
    """
    properties = part["properties"]
    others = {key: value for key, value in properties.items() if not _is_quantity(value)}
    before = list(properties).index("params")
    keys = list(others)
    ordered = [*keys[:before], *quantities, *keys[before:]]
    part["properties"] = {key: others.get(key) or quantities[key] for key in ordered}
    part["required"] = [key for key in ordered if key in others or key in ALWAYS]


def _is_quantity(value: dict[str, Any]) -> bool:
    return value == _INTEGER or value.get("$ref") in ("#/$defs/quantity", "#/$defs/change")
