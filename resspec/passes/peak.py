"""The memory that inference takes as the emitted code runs it: a value lives while CPython counts a
reference to it.

A module's input lives until the module returns. A row of modules holds the value between two of
them; other modules hold what their statements assign, each until its name is assigned again.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Node, Op
from resspec.ir.ops.composite import Composite, alive
from resspec.ir.ops.layer import Strides, dense
from resspec.ir.outputs import whole
from resspec.passes.execution import Execution, forks
from resspec.passes.inference import Peak, most, view
from resspec.passes.schedule import (
    ApplyStatement,
    LoopStatement,
    MergeStatement,
    Path,
    Schedule,
    is_row,
    schedule,
)


def inference_peak(network: Network, frames: Frames | None = None) -> Peak:
    """Return the most that is alive at once.

    Neither parameters nor the network's input, which is its caller's, nor what an operation needs
    while it runs.

    Args:
        network: The network.
        frames: What is known of networks that share parts with it.
    """
    body = whole(network)
    frames = frames or Frames()
    blocks = [part for part in walk.distinct(body) if part.block]
    frames.forking = frozenset(part.block for part in blocks if forks(frames.schedule(part.body)))
    return frames.run(body, "", 0, dense(network.input.dims))[0]


class _Storage:
    def __init__(self, elements: int) -> None:
        self.elements = elements


class _Value(NamedTuple):
    storage: _Storage
    strides: Strides


# What a module does with its input: the peak, with the input's elements; the elements of the
# output's storage, None where that is the input's; the strides of the output.
_Run = tuple[Peak, int | None, Strides]


class Frames:
    """The known runs of modules: those with the same contents do the same with the same input."""

    def __init__(self) -> None:
        self.schedule = cache(schedule)
        self._runs: dict[Hashable, _Run] = {}
        self.forking: frozenset[str | None] = frozenset()

    def run(self, body: Located, block: str | None, entering: int, strides: Strides) -> _Run:
        """Run a module on an input of a storage of so many elements."""
        key = body, block, self.forking, entering, strides
        if (known := self._runs.get(key)) is None:
            program = self.schedule(body)
            x = _Value(_Storage(entering), strides)
            frame = _Frame(self, {"": x.storage}, program, ("x", x))
            if is_row(program, numbered=block is not None):
                frame.deepest = 0
            if block in self.forking:
                frame.name_activated(program)
            y = frame.run()
            made = None if y.storage is x.storage else y.storage.elements
            known = self._runs[key] = most(Peak(entering), frame.peak), made, y.strides
        return known


class _Frame(Execution[_Value]):
    """A call of a module, or a turn of a loop in it. `held`: storages by the names that hold them,
    and by no name that of the caller.
    """

    def __init__(
        self,
        frames: Frames,
        held: dict[str, _Storage],
        program: Schedule,
        entering: tuple[str, _Value],
        main: str = "out",
        avoid: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(program, entering, main, avoid=avoid)
        self.frames, self.held, self.peak = frames, held, Peak(0)

    @property
    def path(self) -> Path:
        """The name of the present statement."""
        statement = self.statements[self.k]
        return statement.path if isinstance(statement, ApplyStatement) else ()

    def apply(self, x: _Value) -> _Value:
        part, elements = self.statements[self.k].part, x.storage.elements
        if isinstance(part.node, Op):
            return self._layer(part.node, x)
        peak, made, strides = self.frames.run(part.body, part.block, elements, x.strides)
        held = self._live(x) - elements + peak.elements
        if held > self.peak.elements:
            self.peak = Peak(held, (*self.path, *peak.trail), peak.span)
        return _Value(x.storage if made is None else _Storage(made), strides)

    def _layer(self, op: Op, x: _Value) -> _Value:
        layer = op.layer
        strides = view(op, x.strides)
        if strides is not None:
            return _Value(x.storage, strides)
        if isinstance(layer, Composite):
            operations = layer.operations(op.input)
            most_held = max(held for _, held in alive(operations, named=True))
            self._note(x, copied=most_held)
        y = self._new(op, layer.order(x.strides), x)
        if between := layer.intermediate(op.input):
            self._note(x, y, copied=between)
        if layer.copies(op.input, x.strides, x.storage.elements):
            sums = op.output.elements if "bias" in layer.parameters(op.input) else 0
            self._note(x, y, copied=max(op.input.elements, sums))
        return y

    def merge(self, merge: MergeStatement, values: list[_Value]) -> _Value:
        node, (left, *rest) = merge.part.node, values
        if merge.kind == "concat":
            return self._new(node, left.strides, *values)
        for i in range(len(rest)):
            left = self._new(node, left.strides, left, *rest[i:])
        return left

    def add(self, x: _Value, other: _Value) -> None:
        self._note(x, other)

    def assign(self, name: str, x: _Value, value: int | None = None) -> _Value:
        del value
        self.held[name] = x.storage
        return x

    def loop(self, loop: LoopStatement, name: str, avoid: frozenset[str]) -> _Value:
        x = self.known[self.k + 1]
        inner = _Frame(self.frames, self.held, loop.body, (name, x), name, avoid)
        for turn in range(min(loop.turns, 3)):  # the same from then on
            x = inner.turn()
            self.peak = most(self.peak, inner.peak.at(turn))
            inner.enter(name, x)
        return x

    def _new(self, node: Node, like: Strides, *read: _Value) -> _Value:
        y = _Value(_Storage(node.output.elements), dense(node.output.dims, like))
        self._note(y, *read)
        return y

    def _note(self, *read: _Value, copied: int = 0) -> None:
        elements = self._live(*read) + copied
        if elements > self.peak.elements:
            self.peak = Peak(elements, self.path, self.statements[self.k].part.span)

    def _live(self, *read: _Value) -> int:
        storages = {*self.held.values(), *[value.storage for value in read]}
        return sum([storage.elements for storage in storages])
