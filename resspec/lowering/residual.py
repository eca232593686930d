"""What a residual block makes of its F: how its last norm starts, and what drops a path that is the only one."""

from __future__ import annotations

from dataclasses import replace

from resspec.ir.init import Init
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.arrange import Identity
from resspec.ir.ops.norm import Norm
from resspec.ir.ops.regularize import DropPath
from resspec.lowering.draft import Draft, Fork, Inner, Leaf, Loop, Row, Run, row


def with_last_norm(draft: Draft, init: Init) -> Draft | None:
    """The draft with the weight of its last norm started by a law; None where no norm stands in its row."""
    match draft:
        case Leaf(layer=Norm()):
            return replace(draft, init=init)
        case Row(steps=steps):
            for i in reversed(range(len(steps))):
                if step := with_last_norm(steps[i], init):
                    return replace(draft, steps=(*steps[:i], step, *steps[i + 1 :]))
        case Loop(count=count, body=body):
            if last := with_last_norm(body, init):
                before = [replace(draft, count=count - 1)] if count > 2 else [body] * (count - 1)
                return row([*before, last], draft.input, draft.span)
        case Run(body=body):
            if inside := with_last_norm(body, init):
                return replace(draft, body=inside)
        case Inner(body=node):
            if named := _with_last_norm(node, init):
                return replace(draft, body=named)
    return None


def _with_last_norm(node: Node, init: Init) -> Node | None:
    match node:
        case Op(layer=Norm()):
            return node.changed(init=init)
        case Series(children=children):
            for i in reversed(range(len(children))):
                if child := _with_last_norm(children[i], init):
                    return node.changed(children=(*children[:i], child, *children[i + 1 :]))
        case Scope(body=body):
            if inside := _with_last_norm(body, init):
                return node.changed(body=inside)
    return None


def without_drop_path(draft: Draft) -> Draft:
    """Dropping a path needs another path: without a shortcut the layer keeps its place and does nothing."""
    match draft:
        case Leaf(layer=DropPath()):
            return replace(draft, layer=Identity())
        case Leaf():
            return draft
        case Row(steps=steps):
            return replace(draft, steps=tuple(map(without_drop_path, steps)))
        case Fork(paths=paths):
            return replace(draft, paths=tuple(map(without_drop_path, paths)))
        case Loop(body=body) | Run(body=body):
            return replace(draft, body=without_drop_path(body))
        case Inner(body=node):
            return replace(draft, body=_without_drop_path(node))


def _without_drop_path(node: Node) -> Node:
    match node:
        case Op():
            return node.changed(layer=Identity()) if isinstance(node.layer, DropPath) else node
        case Series(children=children):
            return node.changed(children=tuple(map(_without_drop_path, children)))
        case Parallel(paths=paths):
            return node.changed(paths=tuple(map(_without_drop_path, paths)))
        case Repeat(body=body) | Scope(body=body):
            return node.changed(body=_without_drop_path(body))
