"""What training takes: the multiply-accumulates of a backward pass and the memory that autograd keeps for it.

A fold over the IR that follows, beside the shapes, the memory that values lie in: a storage is kept once, by the first
that saves it. As torch's CPU and `meta` devices keep it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.activation import Activation
from resspec.ir.ops.layer import Kept, Ramp, Strides, dense
from resspec.ir.quantities import DTYPES, OPTIMIZERS
from resspec.passes.measure import measure


class Backward(NamedTuple):
    """Of a backward pass over the whole network: `macs` of one sample, and what is kept until it comes."""

    macs: int = 0
    kept: Kept = Kept()

    def saved_bytes(self, batch: int = 1, dtype: str = "float32") -> int:
        """Bytes of the distinct storages that autograd keeps, the input included, parameters and buffers not; of a batch of
        one an upper bound where a linear layer reads `to_last`, since torch need not copy that. Raises KeyError for a type
        that is none of DTYPES."""
        fixed, sample = self.affine(dtype)
        return fixed + batch * sample

    def affine(self, dtype: str = "float32") -> tuple[int, int]:
        """`saved_bytes` as bytes whatever the batch, and bytes for each sample."""
        size = DTYPES[dtype]
        statistic, kept = max(size, 4), self.kept
        fixed = statistic * kept.fixed_statistics + size * kept.fixed_values
        return fixed, size * kept.values + 8 * kept.indices + statistic * kept.statistics


def backward(network: Network) -> Backward:
    """What a backward pass from the output to all parameters takes; the input itself needs no gradient."""
    x = network.input
    return _Trace().node(network.body, _Value(False, False, x.elements, dense(x.dims)), None).cost


def backward_macs(network: Network) -> int:
    """For one sample: a weight gradient and an input gradient of each contraction, each like its forward; none of an
    input that depends on no parameter."""
    return backward(network).macs


def saved_bytes(network: Network, batch: int = 1, dtype: str = "float32") -> int:
    """See `Backward.saved_bytes`."""
    return backward(network).saved_bytes(batch, dtype)


class TrainingBound(NamedTuple):
    """Bytes: parameters, gradients and the optimizer's state, and what autograd keeps. A bound: neither buffers nor what
    an operation needs while it runs."""

    fixed: int
    sample: int

    def bytes(self, batch: int = 1) -> int:
        return self.fixed + batch * self.sample

    def max_batch(self, memory: int) -> int:
        """The largest batch whose bound fits so many bytes; 0 where not even one sample does."""
        return max(0, (memory - self.fixed) // self.sample)


def training_bound(network: Network, dtype: str = "float32", optimizer: str = "momentum") -> TrainingBound:
    """Raises KeyError for a type that is none of DTYPES, or an optimizer that is none of OPTIMIZERS."""
    fixed, sample = backward(network).affine(dtype)
    weights = measure(network).params * DTYPES[dtype]
    return TrainingBound((2 + OPTIMIZERS[optimizer]) * weights + fixed, sample)


class _Value(NamedTuple):
    """What flows, and the memory that it lies in: whether a parameter is behind it, whether its storage is kept already,
    the storage's elements for each sample, and the strides of its own axes in it."""

    needs_gradient: bool
    kept: bool
    storage: int
    strides: Strides


class _Step(NamedTuple):
    """What a node does with its input. `within`: the output lies in the input's storage; `kept`: that storage is, now."""

    cost: Backward
    output: _Value
    within: bool
    kept: bool


class _Trace:
    """A shared subtree is followed once for each kind of input. `turn`: of the nearest repeat, where a layer depends on it."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, _Value, int | None], _Step] = {}
        self._ramps: dict[int, bool] = {}

    def node(self, node: Node, x: _Value, turn: int | None) -> _Step:
        key = (id(node), x, turn)
        if (step := self._known.get(key)) is None:
            step = self._known[key] = self._follow(node, x, turn)
        return step

    def _follow(self, node: Node, x: _Value, turn: int | None) -> _Step:
        match node:
            case Op():
                return _op(node, x, turn)
            case Series(children=children):
                return self._row([(child, turn) for child in children], x)
            case Parallel(paths=(path,)):
                return self.node(path, x, turn)
            case Parallel():
                return self._merge(node, x, turn)
            case Repeat(count=count, body=body):
                return self._repeat(count, body, x)
            case Scope(body=body):
                return self.node(body, x, turn)

    def _row(self, nodes: Iterable[tuple[Node, int | None]], x: _Value) -> _Step:
        done = _Step(Backward(), x, True, x.kept)
        for node, turn in nodes:
            done = _then(done, self.node(node, done.output, turn))
        return done

    def _repeat(self, count: int, body: Node, x: _Value) -> _Step:
        if self._has_ramp(body):
            return self._row([(body, turn) for turn in range(count)], x)
        done = _Step(Backward(), x, True, x.kept)
        for turn in range(count):
            step = self.node(body, done.output, None)
            if step.output == done.output and not step.within:  # from here on every turn does the same
                rest = _times(count - turn, step.cost)
                return _then(done, step._replace(cost=rest))
            done = _then(done, step)
        return done

    def _merge(self, node: Parallel, x: _Value, turn: int | None) -> _Step:
        cost, kept = Backward(), x.kept
        values: list[tuple[_Value, bool]] = []  # with whether they lie in the input's storage
        for path in node.paths:
            step = self.node(path, x._replace(kept=kept), turn)
            cost, kept = _plus(cost, step.cost), step.kept
            values.append((step.output, step.within))
        if node.merge == "mul":
            return self._product(node, x._replace(kept=kept), values, cost)
        needs = any(value.needs_gradient for value, _ in values)
        first, within = values[0]
        if node.merge == "add" and node.inplace:
            return _Step(cost, first._replace(needs_gradient=needs, kept=kept if within else first.kept), within, kept)
        return _Step(cost, _fresh(needs, node.output.dims, first.strides), False, kept)

    def _product(self, node: Parallel, x: _Value, values: list[tuple[_Value, bool]], cost: Backward) -> _Step:
        """Two at a time, from the left; each is saved where the other needs a gradient."""
        elements, kept = 0, x.kept
        left, left_within = values[0]
        for right, right_within in values[1:]:
            for value, within, other in (left, left_within, right), (right, right_within, left):
                if other.needs_gradient and not (kept if within else value.kept):
                    elements += value.storage
                    kept = kept or within
            left = _fresh(left.needs_gradient or right.needs_gradient, node.output.dims, left.strides)
            left_within = False
        return _Step(_plus(cost, Backward(0, Kept(values=elements))), left, False, kept)

    def _has_ramp(self, node: Node) -> bool:
        """Whether a layer under the node depends on the turn of the repeat around it."""
        if (found := self._ramps.get(id(node))) is not None:
            return found
        match node:
            case Op(layer=layer):
                found = any(isinstance(value, Ramp) for value in vars(layer).values())
            case Series(children=nodes) | Parallel(paths=nodes):
                found = any(self._has_ramp(child) for child in nodes)
            case Scope(body=body):
                found = self._has_ramp(body)
            case Repeat():
                found = False
        self._ramps[id(node)] = found
        return found


def _op(op: Op, x: _Value, turn: int | None) -> _Step:
    layer = op.layer if turn is None else op.layer.at(turn)
    if layer.hands_on():
        return _Step(Backward(), x, True, x.kept)
    if (strides := layer.view(op.input, x.strides)) is not None:
        return _Step(Backward(), x._replace(strides=strides), True, x.kept)
    needs = x.needs_gradient or bool(layer.parameters(op.input))
    macs = layer.macs(op.input, op.output) * (2 if x.needs_gradient else 1)
    within = isinstance(layer, Activation) and bool(layer.inplace)
    y = x._replace(needs_gradient=needs) if within else _fresh(needs, op.output.dims, layer.order(x.strides))
    if not needs:
        return _Step(Backward(macs), y, within, x.kept)
    own = layer.keeps(op.input, op.output)
    values, kept = own.values, x.kept
    if layer.copies(op.input, x.strides, x.storage):
        values += op.input.elements
    elif not kept and (layer.saves_input() or (within and layer.saves_output)):
        values, kept = values + x.storage, True
    if within:
        y = y._replace(kept=kept)
    elif layer.saves_output:
        values, y = values + y.storage, y._replace(kept=True)
    return _Step(Backward(macs, own._replace(values=values)), y, within, kept)


def _then(first: _Step, second: _Step) -> _Step:
    """Both, one after the other."""
    kept = first.kept or (first.within and second.kept)
    return _Step(_plus(first.cost, second.cost), second.output, first.within and second.within, kept)


def _plus(first: Backward, second: Backward) -> Backward:
    return Backward(first.macs + second.macs, Kept(*(a + b for a, b in zip(first.kept, second.kept, strict=True))))


def _times(count: int, cost: Backward) -> Backward:
    return Backward(count * cost.macs, Kept(*(count * value for value in cost.kept)))


def _fresh(needs_gradient: bool, dims: tuple[int, ...], like: Strides) -> _Value:
    """A new tensor; its axes lie in memory in the order of `like`."""
    return _Value(needs_gradient, False, prod(dims), dense(dims, like))
