"""The IR's stable text form: one line a node, for people and for golden files. Spans and in-place marks are left out."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.layer import Ramp


def to_text(network: Network) -> str:
    """An indented tree; each line ends in the shape that leaves it."""
    lines = [f"network {network.name}: {network.input} -> {network.output}"]
    for section in network.sections:
        lines.append(f"  {section.kind} {section.label}")
        lines += ["    " + line for line in _lines(section.body)]
    return "\n".join([*lines, ""])


def _lines(node: Node) -> Iterator[str]:
    match node:
        case Op():
            fields = [
                f"{name}={_value(value)}"
                for name, value in vars(node.layer).items()
                if name != "inplace"
            ]
            init = [f"init=({node.init})"] if node.init else []
            yield f"{node.name or '(implied)'}: {' '.join([node.kind, *fields, *init])} -> {node.output}"
        case Series(children=children):
            for child in children:
                yield from _lines(child)
            if not children:
                yield f"(identity) -> {node.output}"
        case Parallel():
            residual = "" if node.residual is None else f" residual={node.residual}"
            yield f"{node.merge}{residual} -> {node.output}"
            for path in node.paths:
                yield "|"
                yield from _indented(path)
        case Repeat():
            yield f"{node.count} x -> {node.output}"
            yield from _indented(node.body)
        case Scope():
            block = f" ({node.block})" if node.block else ""
            yield f"{node.name}:{block} -> {node.output}"
            yield from _indented(node.body)


def _indented(node: Node) -> Iterator[str]:
    return ("  " + line for line in _lines(node))


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
