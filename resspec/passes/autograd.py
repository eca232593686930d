"""The work of a backward pass, and the tensors that autograd keeps for it: a fold over the IR that
follows, beside the shapes, the memory that values lie in, since a storage is kept once, by the
first that saves it. As torch's CPU and `meta` devices do.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from math import prod
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Node, Op, Parallel, Repeat, Series
from resspec.ir.ops.activation import Activation
from resspec.ir.ops.composite import Composite, gradients
from resspec.ir.ops.layer import Kept, Layer, Strides, dense
from resspec.ir.outputs import Output, marked
from resspec.ir.quantities import DTYPES
from resspec.ir.shape import Shape


class Backward(NamedTuple):
    """The cost of a backward pass over a part: `macs` of one sample, and what is kept for it."""

    macs: int = 0
    kept: Kept = Kept()

    def saved_bytes(self, batch: int = 1, dtype: str = "float32") -> int:
        """Bytes of the distinct storages that autograd keeps, the input included, parameters and
        buffers not; of a batch of one an upper bound where a linear layer reads `to_last`, since
        torch need not copy that. Raises KeyError for a type that is none of DTYPES.
        """
        fixed, sample = self.affine(dtype)
        return fixed + batch * sample

    def affine(self, dtype: str = "float32") -> tuple[int, int]:
        """`saved_bytes` as bytes whatever the batch, and bytes for each sample."""
        size = DTYPES[dtype]
        statistic, kept = max(size, 4), self.kept
        fixed = statistic * kept.fixed_statistics + size * kept.fixed_values
        return fixed, size * kept.values + 8 * kept.indices + statistic * kept.statistics


class Cost(NamedTuple):
    """The cost that a part adds, and the parts that it is made of, each so many `times`. `node`:
    the layer or merge whose own it is, or the scope or repeat around the parts; None of a row.
    """

    total: Backward
    node: Located | None = None
    times: int = 1
    parts: tuple[Cost, ...] = ()


def backward(network: Network, frozen: Container[str] = (), traces: Traces | None = None) -> Cost:
    """Return the cost of a backward pass from the output to all parameters, a part for each
    section; the input needs no gradient, nor do the parameters of the sections with `frozen`
    labels. What is computed again in every step is in `macs`: a weight gradient and an input
    gradient of each contraction, each like its forward, and none of what needs none.
    """
    x = StoredValue(False, False, network.input.elements, dense(network.input.dims))
    traces, costs = traces or Traces(), []
    for section in marked(network).sections:
        trace = traces.frozen if section.label in frozen else traces.learning
        cost, x, _, _ = trace.node(section.located, x, None)
        costs.append(cost)
    return _sum(costs)


class Traces:
    """The parts that were followed before."""

    def __init__(self) -> None:
        self.learning, self.frozen = _Trace(frozen=False), _Trace(frozen=True)


class StoredValue(NamedTuple):
    """A value that flows, and the memory that it lies in: whether a parameter is behind it, whether
    its storage is kept already, the storage's elements for each sample, and the strides of its own
    axes in it.
    """

    needs_gradient: bool
    kept: bool
    storage: int
    strides: Strides

    def keeping(self, kept: bool) -> StoredValue:
        return (
            self
            if kept == self.kept
            else StoredValue(self.needs_gradient, kept, self.storage, self.strides)
        )


_Step = tuple[
    Cost, StoredValue, bool, bool
]  # the output, whether it lies in the input's storage, and whether that is kept now
_Effect = tuple[Backward, StoredValue, bool, bool]  # a layer's own cost, and then as in a step


_NONE = Kept()
_FREE = Backward(0, _NONE)


class _Trace:
    """A shared subtree is followed once for each kind of input. `turn`: of the nearest repeat,
    where a layer depends on it.
    """

    def __init__(self, frozen: bool) -> None:
        self._frozen = frozen
        self._known: dict[tuple[Located, StoredValue, int | None], _Step] = {}
        self._layers: dict[tuple[Layer, Shape, StoredValue], _Effect] = {}
        self._varies: dict[Node, bool] = {}

    def node(self, located: Located, x: StoredValue, turn: int | None) -> _Step:
        if isinstance(located.node, Op):
            return self._op(located, located.node, x, turn)
        key = (located, x, turn)
        if (step := self._known.get(key)) is None:
            step = self._known[key] = self._follow(located, x, turn)
        return step

    def _follow(self, located: Located, x: StoredValue, turn: int | None) -> _Step:
        match located.node:
            case Series():
                return self._row([(part, turn) for part in located.parts], x)
            case Parallel() as node:
                return self._merge(located, node, x, turn)
            case Repeat(count=count):
                return _within(located, self._repeat(count, located.body, x))
            case _:
                return _within(located, self.node(located.body, x, turn))

    def _op(self, located: Located, op: Op, x: StoredValue, turn: int | None) -> _Step:
        layer = op.layer if turn is None else op.layer.at(turn)
        key = (layer, op.input, x)
        effect = self._layers.get(key)
        if effect is None:
            effect = _effect(layer, op.input, op.output, x, self._frozen)
            self._layers[key] = effect
        own, y, within, kept = effect
        return Cost(own, located), y, within, kept

    def _row(self, nodes: Iterable[tuple[Located, int | None]], x: StoredValue) -> _Step:
        costs, y, within, kept = [], x, True, x.kept
        for node, turn in nodes:
            cost, y, inside, is_kept = self.node(node, y, turn)
            costs.append(cost)
            kept, within = kept or (within and is_kept), within and inside
        return _sum(costs), y, within, kept

    def _repeat(self, count: int, body: Located, x: StoredValue) -> _Step:
        if walk.varies(body.node, self._varies):
            return self._row([(body, turn) for turn in range(count)], x)
        costs, y, within, kept = [], x, True, x.kept
        for turn in range(count):
            cost, output, inside, is_kept = self.node(body, y, None)
            from_here_alike = output == y and not inside
            costs.append(_times(count - turn, cost) if from_here_alike else cost)
            y, kept, within = output, kept or (within and is_kept), within and inside
            if from_here_alike:
                break
        return _sum(costs), y, within, kept

    def _merge(self, located: Located, node: Parallel, x: StoredValue, turn: int | None) -> _Step:
        costs, kept = [], x.kept
        values: list[tuple[StoredValue, bool]] = []  # with whether they lie in the input's storage
        for path in located.parts:
            cost, y, within, kept = self.node(path, x.keeping(kept), turn)
            costs.append(cost)
            values.append((y, within))
        own, y, within, kept = _merged(located, node, x.keeping(kept), values)
        return _sum([*costs, own]), y, within, kept


def _effect(layer: Layer, entering: Shape, leaving: Shape, x: StoredValue, frozen: bool) -> _Effect:
    if isinstance(layer, Output):  # the caller keeps it
        held = _FREE if x.kept else Backward(0, Kept(x.storage))
        return held, x.keeping(True), True, True
    if layer.hands_on():
        return _FREE, x, True, x.kept
    if (strides := layer.view(entering, x.strides)) is not None:
        return _FREE, StoredValue(x.needs_gradient, x.kept, x.storage, strides), True, x.kept
    learns = not frozen and (layer.weighted or bool(layer.parameters(entering)))
    if isinstance(layer, Composite):
        return _composite(layer, entering, leaving, x, learns)
    needs = x.needs_gradient or learns
    within = isinstance(layer, Activation) and bool(layer.inplace)
    if within:
        y = x if x.needs_gradient == needs else StoredValue(needs, x.kept, x.storage, x.strides)
    else:
        y = _fresh(needs, leaving.dims, layer.order(x.strides))
    if not needs:
        return _FREE, y, within, x.kept
    macs = layer.macs(entering, leaving) * (learns + x.needs_gradient)
    own = (layer.keeps if learns else layer.keeps_frozen)(entering, leaving)
    values, kept = own.values, x.kept
    if _saves_input(layer, learns, within):
        if between := layer.intermediate(entering):
            values += between
        elif layer.copies(entering, x.strides, x.storage):
            values += entering.elements
        elif not kept:
            values, kept = values + x.storage, True
    if within:
        y = y.keeping(kept)
    elif layer.saves_output:
        values, y = values + y.storage, y.keeping(True)
    own = own if own.values == values else Kept(values, *own[1:])
    return Backward(macs, own), y, within, kept


def _composite(
    layer: Composite, entering: Shape, leaving: Shape, x: StoredValue, learns: bool
) -> _Effect:
    needs = {*layer.parameters(entering)} if learns else set[str]()
    if x.needs_gradient:
        needs.add("x")
    found = gradients(layer.operations(entering), needs)
    keeps_input = found.keeps_input and not x.kept
    values = found.kept + (x.storage if keeps_input else 0)
    own = Backward(found.macs, Kept(values))
    y = _fresh(bool(needs), leaving.dims, layer.order(x.strides))
    return own, y, False, x.kept or keeps_input


def _saves_input(layer: Layer, learns: bool, within: bool) -> bool:
    return (layer.saves_input() if learns else layer.saves_input_frozen()) or (
        within and layer.saves_output
    )


def _merged(
    located: Located, node: Parallel, x: StoredValue, values: list[tuple[StoredValue, bool]]
) -> _Step:
    """Return the cost of merging the paths' values, two at a time, from the left; each factor is
    saved where the other needs a gradient.
    """
    elements, kept = 0, x.kept
    first, within = values[0]
    needs = any(value.needs_gradient for value, _ in values)
    if node.merge == "add" and node.inplace:
        own, y = (
            Backward(),
            first._replace(needs_gradient=needs, kept=kept if within else first.kept),
        )
        return Cost(own, located), y, within, kept
    left, left_within = first, within
    for right, right_within in values[1:] if node.merge == "mul" else ():
        for value, inside, other in (left, left_within, right), (right, right_within, left):
            if other.needs_gradient and not (kept if inside else value.kept):
                elements += value.storage
                kept = kept or inside
        left = _fresh(left.needs_gradient or right.needs_gradient, node.output.dims, left.strides)
        left_within = False
    y = _fresh(needs, node.output.dims, first.strides)
    return Cost(Backward(0, Kept(values=elements)), located), y, False, kept


def _within(located: Located, step: _Step) -> _Step:
    cost, y, within, kept = step
    return Cost(cost.total, located, 1, (cost,)), y, within, kept


def _sum(parts: list[Cost]) -> Cost:
    macs = values = indices = statistics = fixed_statistics = fixed_values = 0
    for part in parts:
        more, kept = part.total
        macs += more
        if kept is not _NONE:
            values += kept.values
            indices += kept.indices
            statistics += kept.statistics
            fixed_statistics += kept.fixed_statistics
            fixed_values += kept.fixed_values
    kept = Kept(values, indices, statistics, fixed_statistics, fixed_values)
    return Cost(Backward(macs, kept), None, 1, tuple(parts))


def _times(count: int, cost: Cost) -> Cost:
    macs, kept = cost.total
    return Cost(
        Backward(count * macs, Kept(*(count * value for value in kept))), None, count, (cost,)
    )


def _fresh(needs_gradient: bool, dims: tuple[int, ...], like: Strides) -> StoredValue:
    """Return a new tensor; its axes lie in memory in the order of `like`."""
    return StoredValue(needs_gradient, False, prod(dims), dense(dims, like))
