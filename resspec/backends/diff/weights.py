"""A checkpoint of one network loaded into another: tensors by name, as in `state_dict`, and shape.

Blocks of one name that are equal are compared at once; only the others are opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Literal, NamedTuple

from resspec.backends.diff.steps import DiffStep, StepKeys, steps
from resspec.ir import walk
from resspec.ir.fingerprint import Digests
from resspec.ir.network import Network
from resspec.ir.nodes import Node, Op, Parallel, Repeat
from resspec.ir.ops.layer import tensor_name

Loads = Literal["strictly", "in part", "not as it is"]


class Sum(NamedTuple):
    """So many tensors with so many parameters; a buffer is a tensor without."""

    tensors: int = 0
    params: int = 0


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
    def reshaped(self) -> list[Tensor]:
        return [each for each in self.others if each.a is not None and each.b is not None]

    @property
    def vanished(self) -> list[Tensor]:
        return [each for each in self.others if each.b is None]

    @property
    def appeared(self) -> list[Tensor]:
        return [each for each in self.others if each.a is None]

    @property
    def loads(self) -> Loads:
        """The way in which `b.load_state_dict` takes a checkpoint of `a`.

        With `strict=True`, with `strict=False`, or only without the tensors of another shape, which
        torch refuses in either case.
        """
        if self.reshaped:
            return "not as it is"
        return "in part" if self.others else "strictly"


# By name: the shape, and how many parameters; a buffer has none.
Tensors = Mapping[str, tuple[tuple[int, ...], int]]


def weights(a: Network, b: Network, digests: Digests) -> Weights:
    """Return the tensors of two networks."""
    x, y = _parts(a), _parts(b)
    closed = {name for name in x if name in y and _equal(x[name], y[name], digests)}
    before, after = (
        dict(_tensors(step for name in parts if name not in closed for step in parts[name]))
        for parts in (x, y)
    )
    rest = compared(before, after)

    known: dict[Node, Sum] = {}
    whole_a, whole_b = (walk.fold(walk.whole(each).node, _sum, known) for each in (a, b))
    kept = Sum(
        whole_b.tensors - rest.b.tensors + rest.kept.tensors,
        whole_b.params - rest.b.params + rest.kept.params,
    )
    return Weights(whole_a, whole_b, kept, rest.others)


def compared(a: Tensors, b: Tensors) -> Weights:
    """Compare one checkpoint with another."""
    kept = {name: b[name] for name in b if name in a and a[name][0] == b[name][0]}
    others = [
        Tensor(name, shape, b[name][0] if name in b else None)
        for name, (shape, _) in a.items()
        if name not in kept
    ]
    others += (Tensor(name, None, shape) for name, (shape, _) in b.items() if name not in a)
    return Weights(_total(a), _total(b), _total(kept), tuple(others))


def _total(tensors: Tensors) -> Sum:
    return Sum(len(tensors), sum(params for _, params in tensors.values()))


def _parts(network: Network) -> dict[str, list[DiffStep]]:
    """Return blocks, and layers that stand in none, by their names."""
    parts: dict[str, list[DiffStep]] = {}
    for step in _named(steps(walk.whole(network))):
        parts.setdefault(step.place, []).append(step)
    return parts


def _named(row: Iterable[DiffStep]) -> Iterator[DiffStep]:
    """Yield the steps that have names, those in merges too."""
    for step in row:
        if isinstance(step.node, Parallel):
            yield from _named(step.inside)
        elif step.name:
            yield step


def _equal(a: list[DiffStep], b: list[DiffStep], digests: Digests) -> bool:
    """Return whether they surely have the same tensors."""
    if len(a) > 1 or len(b) > 1:
        return False
    x, y = a[0].node, b[0].node
    exact = StepKeys(digests).exact
    return x.input == y.input and type(x) is type(y) and exact(a[0]) == exact(b[0])


def _tensors(row: Iterable[DiffStep]) -> Iterator[tuple[str, tuple[tuple[int, ...], int]]]:
    """Yield the name, shape and parameters of each tensor."""
    for step in row:
        node = step.node
        if isinstance(node, Op):
            for name, shape in node.layer.parameters(node.input).items():
                yield tensor_name(step.full_name, name), (shape, prod(shape))
            for name, shape in node.layer.buffers(node.input).items():
                yield f"{step.full_name}.{name}", (shape, 0)
        else:
            yield from _tensors(_named(step.contents))


def _sum(node: Node, parts: list[Sum]) -> Sum:
    """Return how much a part of a network has."""
    if isinstance(node, Op):
        shapes = node.layer.parameters(node.input)
        tensors = len(shapes) + len(node.layer.buffers(node.input))
        return Sum(tensors, sum(map(prod, shapes.values())))
    count = node.count if isinstance(node, Repeat) else 1
    tensors, params = (sum(each) for each in zip(*parts, strict=True)) if parts else (0, 0)
    return Sum(count * tensors, count * params)
