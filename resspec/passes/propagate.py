"""The shapes of every layer for an input of another size than the network's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Series
from resspec.ir.ops.layer import ShapeError
from resspec.ir.ops.norm import BatchNorm, GroupNorm
from resspec.ir.shape import Shape


class Reached(NamedTuple):
    """A layer with the shapes that it reads and leaves."""

    located: Located
    input: Shape
    output: Shape

    @property
    def op(self) -> Op:
        """The layer."""
        assert isinstance(self.located.node, Op)
        return self.located.node


class DoesNotFit(Exception):
    """A network that cannot read an input of this size.

    Attributes:
        node: The layer or merge that cannot take what reaches it.
        problem: What is wrong there, as the end of a sentence.
    """

    def __init__(self, node: Located, problem: str) -> None:
        super().__init__(problem)
        self.node = node
        self.problem = problem


def propagate(network: Network, input: Shape) -> list[Reached]:
    """Follow an input through a network whose weights are made for the network's own input.

    Args:
        network: The network, with the weights' shapes that its own input gives them.
        input: Another input, of as many axes; without the batch axis.

    Returns:
        Each layer once for each input that reaches it. The last one leaves the network's output.

    Raises:
        DoesNotFit: A layer or a merge cannot take what reaches it.
    """
    found = _Walk()
    found.node(walk.whole(network), input)
    return found.reached


def single_values(reached: Sequence[Reached], *, training: bool) -> Iterator[Reached]:
    """Yield the norms that torch refuses to run on one image, since they would normalize a single
    value.

    Batch norm counts values over the batch and the image, in training alone; group norm over a
    group's channels and the image, and, as torch checks it, over the batch.
    """
    for each in reached:
        match each.op.layer:
            case BatchNorm() if training:
                values = each.input.elements // each.input.channels
            case GroupNorm(num_groups=groups):
                values = each.input.elements // groups
            case _:
                continue
        if values == 1:
            yield each


class _Walk:
    def __init__(self) -> None:
        self.reached: list[Reached] = []
        self._outputs: dict[tuple[Located, Shape], Shape] = {}

    def node(self, located: Located, x: Shape) -> Shape:
        key = (located, x)
        if key not in self._outputs:
            self._outputs[key] = self._output(located, x)
        return self._outputs[key]

    def _output(self, located: Located, x: Shape) -> Shape:
        match located.node:
            case Op() as op:
                return self._op(located, op, x)
            case Series():
                for child in located.parts:
                    x = self.node(child, x)
                return x
            case Parallel() as node:
                return _merged(located, node, [self.node(path, x) for path in located.parts])
            case Repeat(count=count):
                return self._repeat(count, located.body, x)
            case _:
                return self.node(located.body, x)

    def _op(self, located: Located, op: Op, x: Shape) -> Shape:
        try:
            output = op.layer.infer(x)
        except ShapeError as error:
            raise DoesNotFit(located, error.message) from None
        if op.layer.parameters(x) != op.layer.parameters(op.input):
            raise DoesNotFit(located, f"its weights expect {op.input}, but it receives {x}")
        self.reached.append(Reached(located, x, output))
        return output

    def _repeat(self, count: int, body: Located, x: Shape) -> Shape:
        for _ in range(count):
            output = self.node(body, x)
            if output == x:
                break
            x = output
        return x


def _merged(located: Located, node: Parallel, shapes: Sequence[Shape]) -> Shape:
    first, *others = shapes
    channels = first.channels
    largest = first
    for other in others:
        may_broadcast = node.merge == "mul" and 1 in (_pixels(largest), _pixels(other))
        if other.spatial != largest.spatial and not may_broadcast:
            raise DoesNotFit(located, f"its paths output {first} and {other}")
        channels += other.channels
        largest = max(largest, other, key=lambda shape: shape.elements)
    return first.with_channels(channels) if node.merge == "concat" else largest


def _pixels(shape: Shape) -> int:
    return shape.elements // shape.channels
