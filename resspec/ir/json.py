"""The IR's JSON form, version `resspec.ir/1`, and its JSON Schema."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pydantic import ValidationError

from resspec.ir.document import DocumentError, Path, parse
from resspec.ir.nodes import NODES, SCHEMA, Network, adapter
from resspec.ir.ops import OPS, Layer
from resspec.ir.verify import Unfit, verify

_REAL = {
    "anyOf": [
        {"type": "string", "description": "an exact number: 1/2"},
        {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 2,
            "maxItems": 2,
            "description": "start, step",
        },
    ]
}
_KINDS: dict[str, dict[str, Any]] = {
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


def to_json(network: Network) -> str:
    return adapter(Network).dump_json(network, indent=1).decode()


def from_json(text: str | bytes) -> Network:
    """Return an equal network to the one that was written.

    Raises:
        DocumentError: The text is none, or its parts do not fit together.
    """
    document = parse(text, SCHEMA)
    try:
        read: Network = adapter(Network).validate_python(document)
        verify(read)
    except ValidationError as error:
        what, path = _first(error)
        raise DocumentError(SCHEMA, what, path) from None
    except Unfit as error:
        raise DocumentError(SCHEMA, error.what, error.path) from None
    except RecursionError:
        raise DocumentError(SCHEMA, "it nests too deeply") from None
    return read


def _first(error: ValidationError) -> tuple[str, Path]:
    """Return what is wrong first, and where: nodes are read one by one, so that errors stand in errors."""
    first = error.errors(include_url=False)[0]
    inner = first.get("ctx", {}).get("error")
    if isinstance(inner, ValidationError):
        what, path = _first(inner)
        return what, (*first["loc"], *path)
    message = str(inner) if isinstance(inner, ValueError) else first["msg"]
    return message[:1].lower() + message[1:], tuple(first["loc"])


def schema() -> dict[str, Any]:
    """The JSON Schema of what `to_json` writes."""
    top = adapter(Network).json_schema()
    definitions = top.setdefault("$defs", {})
    for word, node in NODES.items():
        body = adapter(node).json_schema()
        definitions.update(body.pop("$defs", {}))
        body["properties"] = {"node": {"const": word}, **body["properties"]}
        body["required"] = ["node", *body["required"]]
        definitions[node.__name__] = body
    definitions["Node"] = {
        "oneOf": [{"$ref": f"#/$defs/{node.__name__}"} for node in NODES.values()]
    }
    definitions["Layer"] = {"oneOf": [_layer_schema(op) for op in OPS.values()]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_with_references(top)}


def _with_references(schema: Any) -> Any:
    """pydantic refuses references of ours, so the fields of nodes and layers are marked by a comment until here."""
    match schema:
        case {"$comment": str(name)}:
            return {"$ref": f"#/$defs/{name}"}
        case dict():
            return {key: _with_references(value) for key, value in schema.items()}
        case list():
            return [_with_references(value) for value in schema]
        case _:
            return schema


def _layer_schema(op: type[Layer]) -> dict[str, Any]:
    properties: dict[str, Any] = {"kind": {"const": op.kind}}
    for field in fields(op):
        kind, _, optional = str(field.type).partition(" | ")
        properties[field.name] = (
            {"anyOf": [_KINDS[kind], {"type": "null"}]} if optional else _KINDS[kind]
        )
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "title": op.kind,
        "description": op.__doc__ or "",
    }
