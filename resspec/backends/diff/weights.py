"""A checkpoint of one network loaded into another: tensors by name, as in `state_dict`, and shape.

Blocks of one name that are equal are compared at once; only the others are opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Literal, NamedTuple

from resspec.backends.diff.steps import DiffStep, Keys, steps
from resspec.ir import walk
from resspec.ir.fingerprint import Digests
from resspec.ir.network import Network
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope

Loads = Literal["strictly", "in part", "not as it is"]


class Sum(NamedTuple):
    """So many tensors with so many parameters; a buffer is a tensor without."""

    tensors: int = 0
    params: int = 0

    def plus(self, other: Sum) -> Sum:
        return Sum(self.tensors + other.tensors, self.params + other.params)


class Tensor(NamedTuple):
    """A tensor that differs, with its shapes `a` and `b`; None where a side has none of this name.

    A tensor that becomes a buffer, or a buffer a parameter, still loads.
    """

    name: str
    a: tuple[int, ...] | None
    b: tuple[int, ...] | None


class Weights(NamedTuple):
    """The tensors of two networks.

    Attributes:
        kept: Those of equal name and shape, with the parameters of `b`.
        others: The other tensors in the order of a, then of b.
    """

    a: Sum
    b: Sum
    kept: Sum
    others: tuple[Tensor, ...]

    @property
    def reshaped(self) -> tuple[Tensor, ...]:
        return tuple(
            tensor for tensor in self.others if tensor.a is not None and tensor.b is not None
        )

    @property
    def vanished(self) -> tuple[Tensor, ...]:
        return tuple(tensor for tensor in self.others if tensor.b is None)

    @property
    def appeared(self) -> tuple[Tensor, ...]:
        return tuple(tensor for tensor in self.others if tensor.a is None)

    @property
    def loads(self) -> Loads:
        """How `b.load_state_dict` takes a checkpoint of `a`.

        With `strict=True`, with `strict=False`, or only without the tensors of another shape, which
        torch refuses in either case.
        """
        return "not as it is" if self.reshaped else "in part" if self.others else "strictly"


Tensors = Mapping[
    str, tuple[tuple[int, ...], int]
]  # by name: the shape, and how many parameters, 0 of a buffer


def weights(a: Network, b: Network, digests: Digests) -> Weights:
    x, y = _parts(a), _parts(b)
    closed = {name for name in x if name in y and _equal(x[name], y[name], digests)}
    known: dict[Node, Sum] = {}
    both = _sum([walk.fold(y[name][0].node, _tensors_of, known) for name in closed])
    before, after = (
        dict(_tensors(part for name, part in parts.items() if name not in closed))
        for parts in (x, y)
    )
    rest = compared(before, after)
    return Weights(both.plus(rest.a), both.plus(rest.b), both.plus(rest.kept), rest.others)


def compared(a: Tensors, b: Tensors) -> Weights:
    """Compare one checkpoint with another."""
    kept = [params for name, (shape, params) in b.items() if name in a and a[name][0] == shape]
    others = [
        Tensor(name, shape, b[name][0] if name in b else None)
        for name, (shape, _) in a.items()
        if name not in b or b[name][0] != shape
    ]
    others += (Tensor(name, None, shape) for name, (shape, _) in b.items() if name not in a)
    whole_a, whole_b = (
        Sum(len(side), sum(params for _, params in side.values())) for side in (a, b)
    )
    return Weights(whole_a, whole_b, Sum(len(kept), sum(kept)), tuple(others))


_Parts = dict[str, list[DiffStep]]  # blocks, and layers that stand in none, by their names


def _parts(network: Network) -> _Parts:
    parts: _Parts = {}
    for step in _opened(steps(walk.whole(network))):
        parts.setdefault(step.place, []).append(step)
    return parts


def _opened(row: Iterable[DiffStep]) -> Iterator[DiffStep]:
    """Yield the steps that have names, those in merges too."""
    for step in row:
        if isinstance(step.node, Parallel):
            for path in step.paths:
                yield from _opened(path)
        elif step.name:
            yield step


def _equal(a: list[DiffStep], b: list[DiffStep], digests: Digests) -> bool:
    """Return whether they surely have the same tensors."""
    if len(a) > 1 or len(b) > 1:
        return False
    x, y = a[0].node, b[0].node
    if x.input != y.input or type(x) is not type(y):
        return False
    if isinstance(x, Scope) and a[0].located.body == b[0].located.body:
        return True
    keys = Keys(digests)
    return keys.exact(a[0]) == keys.exact(b[0])


def _tensors(
    parts: Iterable[list[DiffStep]], scope: str = ""
) -> Iterator[tuple[str, tuple[tuple[int, ...], int]]]:
    """Yield the name, shape and parameters of each tensor."""
    for part in parts:
        for step in part:
            match step.node:
                case Op(layer=layer, input=x):
                    for name, shape in layer.parameters(x).items():
                        yield f"{scope}{step.place}.{name}", (shape, prod(shape))
                    for name, shape in layer.buffers(x).items():
                        yield f"{scope}{step.place}.{name}", (shape, 0)
                case Scope():
                    yield from _tensors(
                        ([inner] for inner in _opened(step.contents)), f"{scope}{step.place}."
                    )


def _tensors_of(node: Node, parts: list[Sum]) -> Sum:
    """Return how much a part of a network has."""
    match node:
        case Op(layer=layer, input=x):
            shapes = layer.parameters(x)
            return Sum(len(shapes) + len(layer.buffers(x)), sum(map(prod, shapes.values())))
        case Repeat(count=count):
            return Sum(count * parts[0].tensors, count * parts[0].params)
        case _:
            return _sum(parts)


def _sum(parts: Iterable[Sum]) -> Sum:
    tensors = params = 0
    for part in parts:
        tensors += part.tensors
        params += part.params
    return Sum(tensors, params)
