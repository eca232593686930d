"""What running a network does beside its multiply-accumulates, for one sample: elementwise operations, elements written
and read. A fold over the IR in which a repeat multiplies."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.layer import dense
from resspec.ir.ops.norm import BatchNorm


class Work(NamedTuple):
    """In evaluation, in elements. elementwise: a bias, an activation, a sum 1 for each element that leaves it, a norm 2, a
    pool 1 for each value that its windows read. outputs: what all steps write; views and what hands on its input write
    nothing. read: what they read of their inputs. weights: what they read of parameters and buffers, whatever the batch."""

    elementwise: int = 0
    outputs: int = 0
    read: int = 0
    weights: int = 0

    def moved_bytes(self, batch: int = 1, itemsize: int = 4) -> int:
        """Bytes that all steps read and write, each by itself, so with no use of caches and nothing fused."""
        return itemsize * (batch * (self.outputs + self.read) + self.weights)


def work(node: Node | Network) -> Work:
    """The work of a network or of a part of it, in time linear in the distinct nodes."""
    return _work(node.body if isinstance(node, Network) else node, {})


def own_work(node: Op | Parallel) -> Work:
    """That of a layer, or of a merge, itself."""
    if isinstance(node, Parallel):
        return _merge(node)
    layer, x, y = node.layer, node.input, node.output
    if layer.output == "same" or layer.view(x, dense(x.dims)) is not None:
        return Work()
    tensors = list(layer.parameters(x).values())
    if isinstance(layer, BatchNorm):
        tensors += [dims for dims in layer.buffers(x).values() if dims]  # not how many batches there were
    return Work(layer.elementwise(x, y), y.elements, x.elements, sum(map(prod, tensors)))


def _work(node: Node, known: dict[int, Work]) -> Work:
    if (found := known.get(id(node))) is not None:
        return found
    match node:
        case Op():
            found = own_work(node)
        case Series(children=children):
            found = _sum(_work(child, known) for child in children)
        case Parallel(paths=paths):
            found = _sum([*(_work(path, known) for path in paths), own_work(node)])
        case Repeat(count=count, body=body):
            found = Work(*(count * value for value in _work(body, known)))
        case Scope(body=body):
            found = _work(body, known)
    known[id(node)] = found
    return found


def _sum(parts: Iterable[Work]) -> Work:
    return Work(*map(sum, zip(Work(), *parts, strict=True)))


def _merge(node: Parallel) -> Work:
    """Sums and products take two at a time, from the left."""
    sizes = [path.output.elements for path in node.paths]
    if node.merge == "concat":
        return Work(0, node.output.elements, sum(sizes), 0) if len(sizes) > 1 else Work()
    written = node.output.elements * (len(sizes) - 1)
    return Work(written, written, written + sum(sizes[1:]), 0)
