"""The IR's stable text form: one line a node, for people and for golden files. Places and in-place
marks are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.layer import Ramp


def node_lines(located: Located) -> Iterator[str]:
    """Yield the lines of a node where it stands; each ends in the shape that leaves it."""
    node = located.node
    match node:
        case Op():
            yield f"{located.name or '(implied)'}: {_layer(node)} -> {node.output}"
        case Series():
            for child in located.parts:
                yield from node_lines(child)
            if not node.children:
                yield f"(identity) -> {node.output}"
        case Parallel():
            residual = "" if node.residual is None else f" residual={node.residual}"
            yield f"{node.merge}{residual} -> {node.output}"
            for path in located.parts:
                yield "|"
                yield from _indented(path)
        case Repeat():
            yield f"{node.count} x -> {node.output}"
            yield from _indented(located.body)
        case Scope():
            block = f" ({located.block})" if located.block else ""
            yield f"{located.name}:{block} -> {node.output}"
            yield from _indented(located.body)


def _layer(op: Op) -> str:
    """Return a layer with all its fields, and how its weights start."""
    fields = vars(op.layer).items()
    words = [f"{name}={_value(value)}" for name, value in fields if name != "inplace"]
    init = [f"init=({op.init})"] if op.init else []
    return " ".join([op.kind, *words, *init])


def _indented(located: Located) -> Iterator[str]:
    return ("  " + line for line in node_lines(located))


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Ramp(start, step):
            return f"{{{start}+{step}}}"
        case tuple():
            return "x".join(map(str, value))
        case _:
            return str(value)
