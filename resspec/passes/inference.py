"""The memory that inference takes for values: the least that any code needs which runs the steps in
this order.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Series
from resspec.ir.ops.activation import Activation
from resspec.ir.ops.composite import Composite, alive
from resspec.ir.ops.layer import Strides, dense
from resspec.ir.outputs import segments
from resspec.ir.shape import Name


class Peak(NamedTuple):
    """The most elements of one sample at once, and the layer or merge at which that is so first.
    `trail`: the names of its modules, and the turns of the repeats around each; `span`:
    `file:line:column-line:column`.
    """

    elements: int
    trail: tuple[Name | int, ...] = ()
    span: str = ""

    def at(self, outer: Name | int) -> Peak:
        """Inside a module, or in a turn of a repeat."""
        return Peak(self.elements, (outer, *self.trail), self.span)

    def beside(self, elements: int) -> Peak:
        """While so many elements more are held."""
        return Peak(self.elements + elements, self.trail, self.span)

    @property
    def path(self) -> str:
        """`layer3.1.conv2`. Of a merge, that of the module it stands in."""
        words, turns = list[str](), list[int]()
        for step in self.trail:
            if isinstance(step, int):
                turns.append(step)
            else:
                words.append(step.at(*turns))
                turns = []
        return ".".join(words)


def inference_lower_bound(network: Network, lifetimes: Lifetimes | None = None) -> Peak:
    """Return the most that is needed at once, if each value is freed after its last reader, and
    outputs are never freed. It counts neither parameters, nor the network's input, which is its
    caller's, nor what an operation needs while it runs.
    """
    x = _Value(0, dense(network.input.dims))
    lifetimes = lifetimes or Lifetimes()
    if not network.outputs:
        return lifetimes.row([section.located for section in network.sections], x)[0]
    peak, held = Peak(0), 0
    for steps in segments(network):
        reached, y, within = lifetimes.row(steps, x)
        peak = most(peak, reached.beside(held))
        held += 0 if within else x.storage
        x = y
    return peak


def most(first: Peak, second: Peak) -> Peak:
    """Return the larger, or of equal ones the first."""
    return second if second.elements > first.elements else first


class _Value(NamedTuple):
    """A value that flows: the elements of the storage that it lies in, and its strides there."""

    storage: int
    strides: Strides


_Step = tuple[
    Peak, _Value, bool
]  # with the input's elements; the output, and whether it lies in the input's storage


class Lifetimes:
    """A shared subtree is followed once for each kind of input. `kept`: the input is needed after
    the node, too.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Located, _Value, bool], _Step] = {}

    def row(self, nodes: Iterable[Located], x: _Value) -> _Step:
        return self._row(((node, None) for node in nodes), x, True)

    def node(self, located: Located, x: _Value, kept: bool) -> _Step:
        if isinstance(located.node, Op):
            return _op(located, located.node, x, kept)
        key = (located, x, kept)
        if (step := self._known.get(key)) is None:
            step = self._known[key] = self._follow(located, x, kept)
        return step

    def _follow(self, located: Located, x: _Value, kept: bool) -> _Step:
        match located.node:
            case Series():
                return self._row(((part, None) for part in located.parts), x, kept)
            case Parallel() as node:
                return self._merge(located, node, x, kept)
            case Repeat(count=count):
                return self._row(self._turns(located.body, x, kept, count), x, kept)
            case _:
                peak, y, within = self.node(located.body, x, kept)
                return peak if located.name is None else peak.at(located.name), y, within

    def _row(self, nodes: Iterable[tuple[Located, int | None]], x: _Value, kept: bool) -> _Step:
        peak, y, within = Peak(x.storage), x, True
        for node, turn in nodes:
            reached, y, inside = self.node(node, y, kept and within)
            beside = x.storage if kept and not within else 0
            if reached.elements + beside > peak.elements:
                peak = (reached if turn is None else reached.at(turn)).beside(beside)
            within = within and inside
        return peak, y, within

    def _turns(
        self, body: Located, x: _Value, kept: bool, count: int
    ) -> Iterable[tuple[Located, int]]:
        """Return a repeat's body as often as its turns still differ, and once more."""
        within = True
        for turn in range(count):
            yield body, turn
            _, y, inside = self.node(body, x, kept and within)
            if y == x and not (within and kept and not inside):
                return
            x, within = y, within and inside

    def _merge(self, located: Located, node: Parallel, x: _Value, kept: bool) -> _Step:
        """Follow the paths in their order, then what merges them, two at a time from the left where
        it is no concatenation.
        """
        peak, held = Peak(x.storage), 0
        values: list[tuple[_Value, bool]] = []  # with whether they lie in the input's storage
        for i, path in enumerate(located.parts):
            later = kept or i + 1 < len(node.paths) or any(within for _, within in values)
            reached, y, within = self.node(path, x, later)
            peak = most(peak, reached.beside(held))
            values.append((y, within))
            held += 0 if within else y.storage
        x_held = x.storage if kept else 0

        def live(rest: list[tuple[_Value, bool]]) -> int:
            outside = x.storage if any(within for _, within in rest) else x_held
            return outside + sum(value.storage for value, within in rest if not within)

        if node.merge == "concat":
            result = _new(node.output.dims, values[0][0].strides)
            return most(peak, Peak(live(values) + result.storage, (), located.span)), result, False
        left, *rest = values
        while rest:
            if not (node.merge == "add" and node.inplace):
                result = _new(node.output.dims, left[0].strides)
                peak = most(peak, Peak(live([left, *rest]) + result.storage, (), located.span))
                left = (result, False)
            rest = rest[1:]
        return peak, *left


def view(op: Op, strides: Strides) -> Strides | None:
    """Return the strides of an output that lies in the input's storage, None where it does not.

    Args:
        op: A layer.
        strides: Those of its input.
    """
    layer = op.layer
    if layer.output == "same" or (isinstance(layer, Activation) and layer.inplace):
        return strides
    return layer.view(op.input, strides)


def _op(located: Located, op: Op, x: _Value, kept: bool) -> _Step:
    strides = view(op, x.strides)
    within = strides is not None
    if strides is not None:
        y, elements = _Value(x.storage, strides), x.storage
    else:
        y = _new(op.output.dims, op.layer.order(x.strides))
        elements = _while_it_runs(op, x, y, kept)
    return Peak(elements, (located.name,) if located.name else (), located.span), y, within


def _while_it_runs(op: Op, x: _Value, y: _Value, kept: bool) -> int:
    layer = op.layer
    if isinstance(layer, Composite):
        return max(
            held + (x.storage if kept or reads_input else 0)
            for reads_input, held in alive(layer.operations(op.input))
        )
    if between := layer.intermediate(op.input):
        return max(x.storage + between, (x.storage if kept else 0) + between + y.storage)
    if layer.copies(
        op.input, x.strides, x.storage
    ):  # torch adds a bias to the product of the copy, and frees that first
        held, copy, sums = (
            x.storage if kept else 0,
            op.input.elements,
            2 if "bias" in layer.parameters(op.input) else 1,
        )
        return max(x.storage + copy, held + copy + y.storage, held + sums * y.storage)
    return x.storage + y.storage


def _new(dims: tuple[int, ...], like: Strides) -> _Value:
    return _Value(prod(dims), dense(dims, like))
