"""The JSON Schema of the IR, made of its nodes and layers: `schemas/ir.schema.json` is its text."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from resspec.ir.json import MERGES, SECTIONS
from resspec.ir.network import Network, Section
from resspec.ir.nodes import SCHEMA, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import OPS, Layer

_TEXT = {"type": "string"}
_NODE, _LAYER = {"$ref": "#/$defs/Node"}, {"$ref": "#/$defs/Layer"}
_REAL = {
    "anyOf": [
        {"type": "string", "description": "an exact number: 1/2"},
        {
            "type": "array",
            "items": _TEXT,
            "minItems": 2,
            "maxItems": 2,
            "description": "start, step",
        },
    ]
}
_FIELD_KINDS: dict[str, dict[str, Any]] = {
    "Count": {"type": "integer", "minimum": 1},
    "Index": {"type": "integer", "minimum": 0},
    "Flag": {"type": "boolean"},
    "Size": {
        "type": "array",
        "items": {"type": "integer", "minimum": 1},
        "minItems": 2,
        "maxItems": 2,
    },
    "Extent": {
        "type": "array",
        "items": {"type": "integer", "minimum": 0},
        "minItems": 2,
        "maxItems": 2,
    },
    "Padding": {
        "anyOf": [
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 0},
                "minItems": 2,
                "maxItems": 2,
            },
            {"const": "same"},
        ]
    },
    "Real": _REAL,
    "Positive": _REAL,
    "Probability": _REAL,
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of what `to_json` writes."""
    nodes = {
        "Op": _node_schema(Op, {"name": _or_null(_TEXT), "layer": _LAYER}, {"init": _TEXT}),
        "Series": _node_schema(Series, {"children": _list(_NODE)}),
        "Parallel": _node_schema(
            Parallel,
            {"merge": {"enum": list(MERGES)}, "paths": _list(_NODE)},
            {"residual": {"type": "integer"}, "inplace": {"type": "boolean"}},
        ),
        "Repeat": _node_schema(Repeat, {"count": {"type": "integer"}, "body": _NODE}),
        "Scope": _node_schema(Scope, {"name": _TEXT, "body": _NODE}, {"block": _TEXT}),
    }
    section = _object(
        Section,
        {"kind": {"enum": list(SECTIONS)}, "label": _TEXT, "body": _NODE, "span": _TEXT},
    )
    network = _object(
        Network,
        {
            "schema": {"const": SCHEMA},
            "name": _TEXT,
            "input": _TEXT,
            "output": _TEXT,
            "sections": _list({"$ref": "#/$defs/Section"}),
            "span": _TEXT,
            "outputs": _list(_TEXT),
        },
    )
    definitions = {
        "Section": section,
        **nodes,
        "Node": {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in nodes]},
        "Layer": {"oneOf": [_layer_schema(op) for op in OPS.values()]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": definitions,
        **network,
    }


def _node_schema(
    cls: Any, required: dict[str, Any], optional: dict[str, Any] | None = None
) -> dict[str, Any]:
    shapes = {"input": _TEXT, "output": _TEXT, "span": _TEXT}
    return _object(cls, {"node": {"const": cls.node}, **shapes, **required}, optional)


def _object(
    cls: type, required: dict[str, Any], optional: dict[str, Any] | None = None
) -> dict[str, Any]:
    absent = {name: {**_or_null(kind), "default": None} for name, kind in (optional or {}).items()}
    return {
        "title": cls.__name__,
        "description": (cls.__doc__ or "").partition("\n")[0],
        "type": "object",
        "properties": {**required, **absent},
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _or_null(kind: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [kind, {"type": "null"}]}


def _layer_schema(op: type[Layer]) -> dict[str, Any]:
    properties: dict[str, Any] = {"kind": {"const": op.kind}}
    for field in fields(op):
        kind, _, optional = str(field.type).partition(" | ")
        known = {"enum": list(op.choices[field.name])} if kind == "Word" else _FIELD_KINDS[kind]
        properties[field.name] = _or_null(known) if optional else known
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "title": op.kind,
        "description": op.__doc__ or "",
    }
