"""The IR's JSON form, version `resspec.ir/1`; `schemas/ir.schema.json` describes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resspec.ir import walk
from resspec.ir.document import DocumentError, JsonValue, parse
from resspec.ir.init import Init
from resspec.ir.json_text import written
from resspec.ir.network import Network, Section
from resspec.ir.nodes import NODES, SCHEMA, Located, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops import Layer
from resspec.ir.ops.fields import layer_from_json, layer_to_json
from resspec.ir.outputs import points, select
from resspec.ir.shape import Name, Shape
from resspec.ir.verify import Unfit, verify

MERGES = ("add", "concat", "mul")
SECTIONS = ("stem", "stage", "head")


def to_json(network: Network) -> str:
    """Return a network as a document of `schemas/ir.schema.json`."""
    document = {
        "schema": SCHEMA,
        "name": network.name,
        "input": str(network.input),
        "output": str(network.output),
        "sections": [_section_to_json(section) for section in network.sections],
        "span": network.span,
        "outputs": list(network.outputs),
    }
    return written(document, indent=1)


def from_json(text: str | bytes) -> Network:
    """Return an equal network to the one that was written.

    Raises:
        DocumentError: The text is none, or its parts do not fit together.
    """
    document = JsonValue(SCHEMA, parse(text, SCHEMA), ())
    try:
        network = _network(document)
        verify(network)
    except Unfit as error:
        raise DocumentError(SCHEMA, error.what, error.path) from None
    except RecursionError:
        raise DocumentError(SCHEMA, "it nests too deeply") from None
    return _with_outputs(walk.normal(network), document)


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


def _network(entry: JsonValue) -> Network:
    entry.has("schema", "name", "input", "output", "sections", "span", optional=("outputs",))
    entry["schema"].one_of((SCHEMA,))
    return Network(
        entry["name"].text(),
        entry["input"].parsed(Shape.parse),
        entry["output"].parsed(Shape.parse),
        tuple(_section(section) for section in entry["sections"].items()),
        entry["span"].text(),
    )


def _with_outputs(network: Network, document: JsonValue) -> Network:
    """Return the network with the outputs that a document names. Raises DocumentError."""
    entry = document.optional("outputs", lambda names: names)
    if entry is None:
        return network
    entries = entry.items()
    names, known = [each.text() for each in entries], points(network)
    for name, each in zip(names, entries, strict=True):
        if name not in known:
            raise each.wrong(f"no stage, layer or module is called {name!r:.40}")
    if not names:
        return network
    found = select(network, names)
    if found.outputs != tuple(names) or found.output != network.output:
        raise entry.wrong(
            "outputs are in the order in which they run, and the last ends the network"
        )
    return found


def _section(entry: JsonValue) -> Section:
    entry.has("kind", "label", "body", "span")
    kind = entry["kind"].one_of(SECTIONS)
    return Section(kind, entry["label"].text(), _node(entry["body"]), entry["span"].text())


def _node(entry: JsonValue) -> Located:
    kind = entry.values().get("node")
    if kind is None or kind.value not in tuple(NODES):
        raise entry.wrong(f"a node is one of {', '.join(NODES)}")
    return _READERS[kind.value](entry)


def _op(entry: JsonValue) -> Located:
    entry.has(*_COMMON, "name", "layer", optional=("init",))
    layer: Layer = entry["layer"].converted(layer_from_json)
    op = Op(*_shapes(entry), layer, entry.optional("init", lambda init: init.parsed(Init.parse)))
    name = None if entry["name"].value is None else entry["name"].parsed(Name.parse)
    return Located(op, entry["span"].text(), (), name)


def _series(entry: JsonValue) -> Located:
    entry.has(*_COMMON, "children")
    parts = tuple(_node(part) for part in entry["children"].items())
    return Located(Series(*_shapes(entry), walk.nodes_of(parts)), entry["span"].text(), parts)


def _parallel(entry: JsonValue) -> Located:
    entry.has(*_COMMON, "merge", "paths", optional=("residual", "inplace"))
    parts = tuple(_node(part) for part in entry["paths"].items())
    node = Parallel(
        *_shapes(entry),
        entry["merge"].one_of(MERGES),
        walk.nodes_of(parts),
        entry.optional("residual", JsonValue.integer),
        entry.optional("inplace", JsonValue.flag),
    )
    return Located(node, entry["span"].text(), parts)


def _repeat(entry: JsonValue) -> Located:
    entry.has(*_COMMON, "count", "body")
    body = _node(entry["body"])
    node = Repeat(*_shapes(entry), entry["count"].integer(), body.node)
    return Located(node, entry["span"].text(), (body,))


def _scope(entry: JsonValue) -> Located:
    entry.has(*_COMMON, "name", "body", optional=("block",))
    body = _node(entry["body"])
    node, span = Scope(*_shapes(entry), body.node), entry["span"].text()
    name = entry["name"].parsed(Name.parse)
    return Located(node, span, (body,), name, entry.optional("block", JsonValue.text))


def _shapes(entry: JsonValue) -> tuple[Shape, Shape]:
    return entry["input"].parsed(Shape.parse), entry["output"].parsed(Shape.parse)


_COMMON = ("node", "input", "output", "span")
_READERS: dict[str, Callable[[JsonValue], Located]] = {
    "op": _op,
    "series": _series,
    "parallel": _parallel,
    "repeat": _repeat,
    "scope": _scope,
}
