"""The steps of a part of a network, one after the other, with repeats and plain scopes opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.fingerprint import Digests
from resspec.ir.nodes import Located, Node, Op, Parallel, Scope


class DiffStep(NamedTuple):
    """A layer, a block or a merge.

    Attributes:
        located: Where it stands.
        scope: The names of the scopes around it that are no blocks, each with its dot.
        name: Its own name, if it has one.
        turns: Of the repeats in its scope.
        turn: Of the nearest repeat at all.
    """

    located: Located
    scope: str
    name: str
    turns: tuple[int, ...]
    turn: int | None

    @property
    def node(self) -> Node:
        return self.located.node

    @property
    def span(self) -> str:
        return self.located.span

    @property
    def place(self) -> str:
        return self.scope + self.name if self.name else self.scope.rstrip(".")

    @property
    def contents(self) -> list[DiffStep]:
        """Return the steps of a block."""
        return list(steps(self.located.body, turn=self.turn))

    @property
    def paths(self) -> list[list[DiffStep]]:
        """Return the steps of each path of a merge."""
        return [list(steps(path, self.scope, self.turns, self.turn)) for path in self.located.parts]


def steps(
    located: Located, scope: str = "", turns: tuple[int, ...] = (), turn: int | None = None
) -> Iterator[DiffStep]:
    """Yield what a part of a network does, scopes that are no block opened."""
    for step in walk.unrolled(located, turns, turn):
        is_block = step.located.block is not None
        if isinstance(step.node, Scope) and not is_block:
            yield from steps(step.located.body, f"{scope}{step.name}.", (), step.turn)
        elif not (isinstance(step.node, Op) and step.node.kind == "identity"):
            turns_here = () if is_block else step.turns
            yield DiffStep(step.located, scope, step.name or "", turns_here, step.turn)


class Keys:
    """Keys that two steps may have in common, from all to little."""

    def __init__(self, digests: Digests) -> None:
        self._digests = digests

    def exact(self, step: DiffStep) -> Hashable:
        """Return all that the hash counts, but for the step's own name and those in a merge."""
        match step.node:
            case Op() as op:
                return self._digests.op(op, step.turn)
            case Parallel(merge=merge):
                return merge, tuple(tuple(map(self.exact, path)) for path in step.paths)
            case _:
                return self._digests.row((step.located.body,), (), step.turn)

    def skeleton(self, step: DiffStep) -> Hashable:
        """Return the kinds of its layers, and how they are joined."""
        match step.node:
            case Op() as op:
                return op.kind
            case Parallel(merge=merge):
                return merge, tuple(tuple(map(self.skeleton, path)) for path in step.paths)
            case _:
                return "block", *map(self.skeleton, step.contents)

    def family(self, step: DiffStep) -> Hashable:
        """Return a block, a merge, or a layer of a family: a norm, an activation."""
        match step.node:
            case Op(layer=layer):
                return type(layer).__module__
            case node:
                return node.node

    def likeness(self, a: DiffStep, b: DiffStep) -> float:
        """Return how alike two steps are: 0 if no layer of one is in the other, up to 1."""
        x, y = Counter(self._layers(a)), Counter(self._layers(b))
        return (x & y).total() / max(x.total(), y.total(), 1)

    def _layers(self, step: DiffStep) -> Iterator[Hashable]:
        match step.node:
            case Op():
                yield self.exact(step)
            case Scope():
                for inner in step.contents:
                    yield from self._layers(inner)
            case Parallel():
                for path in step.paths:
                    for inner in path:
                        yield from self._layers(inner)
