"""The IR's JSON form, version `resspec.ir/1`, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from resspec.ir import walk
from resspec.ir.document import DocumentError, Entry, parse, written
from resspec.ir.init import Init
from resspec.ir.network import Network, Section
from resspec.ir.nodes import NODES, SCHEMA, Located, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import OPS, Layer
from resspec.ir.ops.fields import layer_from_json, layer_to_json
from resspec.ir.shape import Name, Shape
from resspec.ir.verify import Unfit, verify

_MERGES = ("add", "concat", "mul")
_SECTIONS = ("stem", "stage", "head")


def to_json(network: Network) -> str:
    """Return a network as a document of `schemas/ir.schema.json`."""
    document = {
        "schema": SCHEMA,
        "name": network.name,
        "input": str(network.input),
        "output": str(network.output),
        "sections": [_section_to_json(section) for section in network.sections],
        "span": network.span,
    }
    return written(document, indent=1)


def from_json(text: str | bytes) -> Network:
    """Return an equal network to the one that was written.

    Raises:
        DocumentError: The text is none, or its parts do not fit together.
    """
    document = Entry(SCHEMA, parse(text, SCHEMA), ())
    try:
        network = _network(document)
        verify(network)
    except Unfit as error:
        raise DocumentError(SCHEMA, error.what, error.path) from None
    except RecursionError:
        raise DocumentError(SCHEMA, "it nests too deeply") from None
    return walk.normal(network)


# --- writing ---


def _section_to_json(section: Section) -> dict[str, Any]:
    return {
        "kind": section.kind,
        "label": section.label,
        "body": _node_to_json(section.located),
        "span": section.span,
    }


def _node_to_json(located: Located) -> dict[str, Any]:
    node = located.node
    return {
        "node": node.node,
        "input": str(node.input),
        "output": str(node.output),
        "span": located.span,
        **_fields_to_json(located),
    }


def _fields_to_json(located: Located) -> dict[str, Any]:
    """Return the fields that a node does not share with all others."""
    match located.node:
        case Op(layer=layer, init=init):
            return {
                "name": _text(located.name),
                "layer": layer_to_json(layer),
                "init": _text(init),
            }
        case Series():
            return {"children": [_node_to_json(part) for part in located.parts]}
        case Parallel(merge=merge, residual=residual, inplace=inplace):
            paths = [_node_to_json(part) for part in located.parts]
            return {"merge": merge, "paths": paths, "residual": residual, "inplace": inplace}
        case Repeat(count=count):
            return {"count": count, "body": _node_to_json(located.body)}
        case Scope():
            body = _node_to_json(located.body)
            return {"name": _text(located.name), "body": body, "block": located.block}


def _text(value: Name | Init | None) -> str | None:
    return None if value is None else str(value)


# --- reading ---


def _network(entry: Entry) -> Network:
    entry.has("schema", "name", "input", "output", "sections", "span")
    entry["schema"].one_of((SCHEMA,))
    return Network(
        entry["name"].text(),
        entry["input"].parsed(Shape.parse),
        entry["output"].parsed(Shape.parse),
        tuple(_section(section) for section in entry["sections"].items()),
        entry["span"].text(),
    )


def _section(entry: Entry) -> Section:
    entry.has("kind", "label", "body", "span")
    kind = entry["kind"].one_of(_SECTIONS)
    return Section(kind, entry["label"].text(), _node(entry["body"]), entry["span"].text())


def _node(entry: Entry) -> Located:
    kind = entry.values().get("node")
    if kind is None or kind.value not in tuple(NODES):
        raise entry.wrong(f"a node is one of {', '.join(NODES)}")
    return _READERS[kind.value](entry)


def _op(entry: Entry) -> Located:
    entry.has(*_COMMON, "name", "layer", optional=("init",))
    layer: Layer = entry["layer"].converted(layer_from_json)
    op = Op(*_shapes(entry), layer, entry.optional("init", lambda init: init.parsed(Init.parse)))
    name = None if entry["name"].value is None else entry["name"].parsed(Name.parse)
    return Located(op, entry["span"].text(), (), name)


def _series(entry: Entry) -> Located:
    entry.has(*_COMMON, "children")
    parts = tuple(_node(part) for part in entry["children"].items())
    return Located(Series(*_shapes(entry), walk.nodes_of(parts)), entry["span"].text(), parts)


def _parallel(entry: Entry) -> Located:
    entry.has(*_COMMON, "merge", "paths", optional=("residual", "inplace"))
    parts = tuple(_node(part) for part in entry["paths"].items())
    node = Parallel(
        *_shapes(entry),
        entry["merge"].one_of(_MERGES),
        walk.nodes_of(parts),
        entry.optional("residual", Entry.integer),
        entry.optional("inplace", Entry.flag),
    )
    return Located(node, entry["span"].text(), parts)


def _repeat(entry: Entry) -> Located:
    entry.has(*_COMMON, "count", "body")
    body = _node(entry["body"])
    node = Repeat(*_shapes(entry), entry["count"].integer(), body.node)
    return Located(node, entry["span"].text(), (body,))


def _scope(entry: Entry) -> Located:
    entry.has(*_COMMON, "name", "body", optional=("block",))
    body = _node(entry["body"])
    node, span = Scope(*_shapes(entry), body.node), entry["span"].text()
    name = entry["name"].parsed(Name.parse)
    return Located(node, span, (body,), name, entry.optional("block", Entry.text))


def _shapes(entry: Entry) -> tuple[Shape, Shape]:
    return entry["input"].parsed(Shape.parse), entry["output"].parsed(Shape.parse)


_COMMON = ("node", "input", "output", "span")
_READERS: dict[str, Callable[[Entry], Located]] = {
    "op": _op,
    "series": _series,
    "parallel": _parallel,
    "repeat": _repeat,
    "scope": _scope,
}


# --- the schema ---

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
            {"merge": {"enum": list(_MERGES)}, "paths": _list(_NODE)},
            {"residual": {"type": "integer"}, "inplace": {"type": "boolean"}},
        ),
        "Repeat": _node_schema(Repeat, {"count": {"type": "integer"}, "body": _NODE}),
        "Scope": _node_schema(Scope, {"name": _TEXT, "body": _NODE}, {"block": _TEXT}),
    }
    section = _object(
        Section,
        {"kind": {"enum": list(_SECTIONS)}, "label": _TEXT, "body": _NODE, "span": _TEXT},
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
        known = _FIELD_KINDS[kind]
        properties[field.name] = _or_null(known) if optional else known
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "title": op.kind,
        "description": op.__doc__ or "",
    }
