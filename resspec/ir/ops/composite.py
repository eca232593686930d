"""Layers that torch computes by several operations, and what follows from these: what they write
and read, what is alive at once, and what autograd keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from math import prod
from typing import NamedTuple

from resspec.ir.ops.layer import Layer
from resspec.ir.shape import Shape

RESULT = -1

# For the gradient of which operand each operation keeps which operand, or its result.
SAVED: dict[str, tuple[tuple[int, int], ...]] = {
    "add": (),
    "addcmul": ((1, 2), (2, 1)),
    "avg_pool": ((0, 0),),
    "conv": ((0, 0), (0, 1), (1, 0), (1, 1)),
    "div": ((1, 0), (0, 1), (1, 1)),
    "matmul": ((1, 0), (0, 1)),
    "mean": (),
    "mul": ((1, 0), (0, 1)),
    "norm": ((0, 0), (RESULT, 0)),
    "pad": (),
    "pow": ((0, 0),),
    "reflect": ((0, 0),),
    "rsqrt": ((RESULT, 0),),
    "sigmoid": ((RESULT, 0),),
    "softmax": ((RESULT, 0),),
    "sqrt": ((RESULT, 0),),
    "times": (),
    "var": ((0, 0),),
}


class Operation(NamedTuple):
    """An operation of torch inside of a layer.

    Attributes:
        result: A name for its result; the last operation's is the output.
        kind: A key of SAVED.
        operands: Names: `x` is the layer's input; a tensor of its own, or an earlier result.
        elements: Of the result, for one sample.
        held: Results that are not read any more, but have a name in torch's code.
        macs: The multiply-accumulates of a contraction of its first two operands.
    """

    result: str
    kind: str
    operands: tuple[str, ...]
    elements: int
    held: tuple[str, ...] = ()
    macs: int = 0


Operations = tuple[Operation, ...]


class Composite(Layer):
    """A layer that torch computes by several operations."""

    def operations(self, x: Shape) -> Operations:
        """Return the operations in their order."""
        raise NotImplementedError

    def macs(self, x: Shape, y: Shape) -> int:
        del y
        return sum(operation.macs for operation in self.operations(x))

    def constants(self, x: Shape) -> dict[str, int]:
        """Return the elements of tensors of its own that are neither learned nor stored."""
        return {}

    def saves_input(self) -> bool:
        return True

    def own_tensors(self, x: Shape) -> dict[str, int]:
        """Return the elements of what its operations read beside the input and their results."""
        learned = {name: prod(dims) for name, dims in self.parameters(x).items()}
        return learned | self.constants(x)


class Work(NamedTuple):
    """Elements of one sample that operations write, and that they read of values and of a layer's
    own tensors.
    """

    written: int
    read: int
    weights: int


def work(operations: Operations, own: Mapping[str, int], x: int) -> Work:
    """Return what operations write and read. `own`: the elements of the layer's tensors; `x`: those
    of its input.
    """
    sizes = {operation.result: operation.elements for operation in operations} | {"x": x}
    operands = [name for operation in operations for name in operation.operands]
    return Work(
        sum(operation.elements for operation in operations),
        sum(sizes[name] for name in operands if name not in own),
        sum(own[name] for name in operands if name in own),
    )


def alive(operations: Operations, named: bool = False) -> Iterator[tuple[bool, int]]:
    """Yield, while each operation runs, whether the input is still read, and the elements of the
    results that are alive. `named`: also those that only have a name.
    """
    last = dict[str, int]()
    for k, operation in enumerate(operations):
        names = operation.operands + (operation.held if named else ())
        last |= dict.fromkeys((operation.result, *names), k)
    for k in range(len(operations)):
        so_far = operations[: k + 1]
        held = sum(done.elements for done in so_far if last[done.result] >= k)
        yield last["x"] >= k, held


class Gradients(NamedTuple):
    """A backward pass through operations.

    Attributes:
        macs: The multiply-accumulates of its contractions.
        kept: The elements of the results that autograd keeps.
        keeps_input: Whether it keeps the input.
    """

    macs: int
    kept: int
    keeps_input: bool


def gradients(operations: Operations, needs: Collection[str]) -> Gradients:
    """Return the cost of a backward pass. `needs`: of the input and the layer's tensors, those that
    need a gradient.
    """
    needing, kept, macs = set(needs), set[str](), 0
    for operation in operations:
        operands = operation.operands
        names = (*operands, operation.result)  # RESULT is the last of them
        kept |= {
            names[saved] for saved, because in SAVED[operation.kind] if operands[because] in needing
        }
        macs += operation.macs * len(needing.intersection(operands[:2]))
        if not needing.isdisjoint(operands):
            needing.add(operation.result)
    results = sum(each.elements for each in operations if each.result in kept)
    return Gradients(macs, results, "x" in kept)
