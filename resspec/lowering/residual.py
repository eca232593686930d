"""Changes of a residual block to its F: its last norm is initialized, and drop path goes where
there is no other path.
"""

from __future__ import annotations

from dataclasses import replace

from resspec.ir import walk
from resspec.ir.init import Init
from resspec.ir.nodes import Op, Repeat, Scope, Series
from resspec.ir.ops.arrange import Identity
from resspec.ir.ops.norm import Norm
from resspec.ir.ops.regularize import DropPathOp
from resspec.ir.walk import L
from resspec.lowering.parts import Draft, drafts, repeat, row


def with_last_norm(part: Draft, init: Init) -> Draft | None:
    """Return a part with the weight of its last norm started by a law; None where there is no norm
    in its row. The last turn of a repeat is written out for that.
    """
    node = part.node
    match node:
        case Series():
            steps = list(drafts(part))
            for i in reversed(range(len(steps))):
                if last := with_last_norm(steps[i], init):
                    found = row([*steps[:i], last, *steps[i + 1 :]], node.input, part.place)
                    return replace(found, runs=part.runs)
        case Repeat(count=count):
            (body,) = drafts(part)
            if last := with_last_norm(body, init):
                before = (
                    [repeat(count - 1, body, part.place)] if count > 2 else [body] * (count - 1)
                )
                found = row([*before, last], node.input, part.place)
                return replace(found, runs=part.runs)
        case _:
            return _named_with_last_norm(part, init)
    return None


def _named_with_last_norm(part: L, init: Init) -> L | None:
    """Do the same where the names are known: a repeat stays as it is."""
    node = part.node
    match node:
        case Op(layer=Norm()):
            return replace(part, node=replace(node, init=init))
        case Series() | Scope():
            for i in reversed(range(len(part.parts))):
                if last := _named_with_last_norm(part.parts[i], init):
                    return walk.with_parts(part, (*part.parts[:i], last, *part.parts[i + 1 :]))
    return None


def without_drop_path(part: L) -> L:
    """Return a part that drops no path, which needs another one: the layer keeps its place and does
    nothing.
    """
    node = part.node
    if isinstance(node, Op):
        drops = isinstance(node.layer, DropPathOp)
        return replace(part, node=replace(node, layer=Identity())) if drops else part
    return walk.with_parts(part, tuple(map(without_drop_path, part.parts)))
