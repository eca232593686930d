"""What a residual block makes of its F: how its last norm starts, and what drops a path that is the
only one.
"""

from __future__ import annotations

from dataclasses import replace

from resspec.ir import walk
from resspec.ir.init import Init
from resspec.ir.nodes import Node, Op, Repeat, Scope, Series
from resspec.ir.ops.arrange import Identity
from resspec.ir.ops.norm import Norm
from resspec.ir.ops.regularize import DropPath
from resspec.lowering.parts import Part, repeat, row


def with_last_norm(part: Part, init: Init, *, in_scope: bool = False) -> Part | None:
    """Return a part with the weight of its last norm started by a law; None where there is no norm
    in its row.

    Args:
        part: The residual.
        init: How the norm starts.
        in_scope: Whether the part has its names already, so that its repeats stay as they are.
    """
    node, written = part
    match node:
        case Op(layer=Norm()):
            return Part(replace(node, init=init), written)
        case Series():
            steps = [Part(child, written) for child in node.children] if in_scope else part.parts
            for i in reversed(range(len(steps))):
                if step := with_last_norm(steps[i], init, in_scope=in_scope):
                    found = row([*steps[:i], step, *steps[i + 1 :]], node.input, part.span)
                    return Part(found.node, found.written._replace(runs=written.runs))
        case Repeat(count=count) if not in_scope:
            (body,) = part.parts
            if last := with_last_norm(body, init):
                before = [repeat(count - 1, body, part.span)] if count > 2 else [body] * (count - 1)
                found = row([*before, last], node.input, part.span)
                return Part(found.node, found.written._replace(runs=written.runs))
        case Scope():
            if inside := with_last_norm(Part(node.body, written), init, in_scope=True):
                return Part(walk.with_nodes(node, (inside.node,)), written)
    return None


def without_drop_path(part: Part) -> Part:
    """Return a part that drops no path, which needs another one: the layer keeps its place and does
    nothing.
    """
    return Part(_without_drop_path(part.node), part.written)


def _without_drop_path(node: Node) -> Node:
    if isinstance(node, Op):
        return replace(node, layer=Identity()) if isinstance(node.layer, DropPath) else node
    return walk.with_nodes(node, tuple(map(_without_drop_path, node.parts)))
