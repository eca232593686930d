"""What a checkpoint of one network is to another: its tensors by their names, as `state_dict` has them, and their shapes.

Blocks of one name that are equal are compared at once; only the others are opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Literal, NamedTuple

from resspec.backends.diff.steps import Keys, Step, steps
from resspec.ir.fingerprint import Digests
from resspec.ir.nodes import Network, Node, Op, Parallel, Repeat, Scope, Series

Loads = Literal["strictly", "in part", "not as it is"]


class Sum(NamedTuple):
    """So many tensors with so many parameters; a buffer is a tensor without."""

    tensors: int = 0
    params: int = 0

    def plus(self, other: Sum, times: int = 1) -> Sum:
        return Sum(self.tensors + times * other.tensors, self.params + times * other.params)


class Tensor(NamedTuple):
    """`a`, `b`: the shape on each side; None where it has none of this name. A tensor that becomes a buffer, or a buffer
    a parameter, still loads."""

    name: str
    a: tuple[int, ...] | None
    b: tuple[int, ...] | None


class Weights(NamedTuple):
    """`kept`: of equal name and shape, with the parameters of `b`; `others` in the order of a, then of b."""

    a: Sum
    b: Sum
    kept: Sum
    others: tuple[Tensor, ...]

    @property
    def reshaped(self) -> tuple[Tensor, ...]:
        return tuple(tensor for tensor in self.others if tensor.a is not None and tensor.b is not None)

    @property
    def vanished(self) -> tuple[Tensor, ...]:
        return tuple(tensor for tensor in self.others if tensor.b is None)

    @property
    def appeared(self) -> tuple[Tensor, ...]:
        return tuple(tensor for tensor in self.others if tensor.a is None)

    @property
    def loads(self) -> Loads:
        """How `b.load_state_dict` takes a checkpoint of `a`: with `strict=True`, with `strict=False`, or, since torch
        refuses another shape in either case, only without the tensors that have one."""
        return "not as it is" if self.reshaped else "in part" if self.others else "strictly"


def weights(a: Network, b: Network, digests: Digests) -> Weights:
    sums = _Sums()
    x, y = _parts(a), _parts(b)
    kept = Sum()
    closed = {name for name in x if name in y and _equal(x[name], y[name], digests)}
    for name in closed:
        kept = kept.plus(sums.of(y[name][0].node))
    before, after = (dict(_tensors(part for name, part in parts.items() if name not in closed)) for parts in (x, y))
    others: list[Tensor] = []
    for name, (shape, _) in before.items():
        if name in after and after[name][0] == shape:
            kept = kept.plus(Sum(1, after[name][1]))
        else:
            others.append(Tensor(name, shape, after[name][0] if name in after else None))
    others += (Tensor(name, None, shape) for name, (shape, _) in after.items() if name not in before)
    return Weights(sums.of(a.body), sums.of(b.body), kept, tuple(others))


_Parts = dict[str, list[Step]]  # blocks, and layers that stand in none, by their names


def _parts(network: Network) -> _Parts:
    parts: _Parts = {}
    for step in _opened(steps(network.body)):
        parts.setdefault(step.place, []).append(step)
    return parts


def _opened(row: Iterable[Step]) -> Iterator[Step]:
    """The steps that have names, those in merges too."""
    for step in row:
        if isinstance(step.node, Parallel):
            for path in step.paths:
                yield from _opened(path)
        elif step.name:
            yield step


def _equal(a: list[Step], b: list[Step], digests: Digests) -> bool:
    """Whether they surely have the same tensors."""
    if len(a) > 1 or len(b) > 1:
        return False
    x, y = a[0].node, b[0].node
    if x.input != y.input or type(x) is not type(y):
        return False
    keys = Keys(digests)
    return keys.exact(a[0]) == keys.exact(b[0])


def _tensors(parts: Iterable[list[Step]], scope: str = "") -> Iterator[tuple[str, tuple[tuple[int, ...], int]]]:
    """The name, shape and parameters of each tensor."""
    for part in parts:
        for step in part:
            match step.node:
                case Op(layer=layer, input=x):
                    for name, shape in layer.parameters(x).items():
                        yield f"{scope}{step.place}.{name}", (shape, prod(shape))
                    for name, shape in layer.buffers(x).items():
                        yield f"{scope}{step.place}.{name}", (shape, 0)
                case Scope():
                    yield from _tensors(([inner] for inner in _opened(step.contents)), f"{scope}{step.place}.")


class _Sums:
    """How much a part of a network has, shared subtrees counted once and multiplied."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Sum, Node]] = {}

    def of(self, node: Node) -> Sum:
        if id(node) in self._known:
            return self._known[id(node)][0]
        total = Sum()
        match node:
            case Op(layer=layer, input=x):
                shapes = layer.parameters(x).values()
                total = Sum(len(shapes) + len(layer.buffers(x)), sum(map(prod, shapes)))
            case Series(children=parts) | Parallel(paths=parts):
                for part in parts:
                    total = total.plus(self.of(part))
            case Repeat(count=count, body=body):
                total = total.plus(self.of(body), count)
            case Scope(body=body):
                total = self.of(body)
        self._known[id(node)] = total, node
        return total
