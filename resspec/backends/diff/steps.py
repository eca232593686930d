"""The steps of a part of a network, one after the other, with repeats and plain scopes opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from resspec.backends.summary import summary
from resspec.ir import walk
from resspec.ir.fingerprint import Digests
from resspec.ir.nodes import Located, Node, Op, Parallel, Scope


class DiffStep(NamedTuple):
    """A layer, a block or a merge.

    Attributes:
        located: Where it stands.
        around: The full name of the block around it, with a dot.
        scope: The names of the scopes in that block that are not blocks, each with a dot.
        name: Its own name, if it has one.
        turns: Of the repeats in its scope.
        turn: Of the nearest repeat at all.
    """

    located: Located
    around: str
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
        """Its name in the block around it."""
        return self.scope + self.name if self.name else self.scope.rstrip(".")

    @property
    def full_name(self) -> str:
        """Its name in the network; that of a merge is its scope's with `(add)`."""
        if isinstance(self.node, Parallel):
            return f"{self.around}{self.scope}({self.node.merge})"
        return f"{self.around}{self.place}".rstrip(".")

    @property
    def contents(self) -> list[DiffStep]:
        """The steps of a block."""
        return list(steps(self.located.body, f"{self.around}{self.place}.", turn=self.turn))

    @property
    def paths(self) -> list[DiffPath]:
        """The paths of a merge."""
        surroundings = self.around, self.scope, self.turns, self.turn
        return [DiffPath(list(steps(path, *surroundings)), path) for path in self.located.parts]

    @property
    def inside(self) -> Iterator[DiffStep]:
        """The steps directly inside a block or a merge."""
        match self.node:
            case Scope():
                yield from self.contents
            case Parallel():
                for path in self.paths:
                    yield from path.steps


class DiffPath(NamedTuple):
    """A path of a merge."""

    steps: list[DiffStep]
    located: Located

    @property
    def shortcut(self) -> str:
        """Its name as a shortcut in He et al.: identity, projection, zero padding."""
        if not self.steps:
            return "identity"
        kinds = {step.node.kind for step in self.steps if isinstance(step.node, Op)}
        if "conv" in kinds:
            return "projection"
        return "zero padding" if "pad_channels" in kinds else summary(self.located)

    def __str__(self) -> str:
        """Return a shortcut in words: `identity`, `projection (conv 1x1, 256, /2 → bn)`."""
        word, holds = self.shortcut, summary(self.located)
        return word if word == holds else f"{word} ({holds})"


def steps(
    located: Located,
    around: str = "",
    scope: str = "",
    turns: tuple[int, ...] = (),
    turn: int | None = None,
) -> Iterator[DiffStep]:
    """Yield what a part of a network does, with scopes opened that are not blocks."""
    for step in walk.unrolled(located, turns, turn):
        node, at = step.node, step.located
        if isinstance(node, Scope) and at.block is None:
            yield from steps(at.body, around, f"{scope}{step.name}.", (), step.turn)
        elif not (isinstance(node, Op) and node.kind == "identity"):
            yield DiffStep(at, around, scope, step.name or "", step.turns, step.turn)


class StepKeys:
    """Keys that two steps may have in common, from all to little."""

    def __init__(self, digests: Digests) -> None:
        self._digests = digests

    def exact(self, step: DiffStep) -> Hashable:
        """Return all that the hash counts, but for the step's own name and those in a merge."""
        match step.node:
            case Op() as op:
                return self._digests.op(op, step.turn)
            case Parallel(merge=merge):
                return merge, *map(self.exact_path, step.paths)
            case _:
                return self._digests.row((step.located.body,), (), step.turn)

    def exact_path(self, path: DiffPath) -> Hashable:
        """Return the keys of a path's steps."""
        return tuple(map(self.exact, path.steps))

    def skeleton(self, step: DiffStep) -> Hashable:
        """Return the kinds of its layers, and how they are joined."""
        match step.node:
            case Op() as op:
                return op.kind
            case Parallel(merge=merge):
                return merge, *map(self.skeleton_path, step.paths)
            case _:
                return "block", *map(self.skeleton, step.contents)

    def skeleton_path(self, path: DiffPath) -> Hashable:
        """Return the skeletons of a path's steps."""
        return tuple(map(self.skeleton, path.steps))

    def kind(self, step: DiffStep) -> Hashable:
        """Return the kind of a layer, a merge or a block."""
        match step.node:
            case Op() as op:
                return op.kind
            case Parallel(merge=merge):
                return merge
            case _:
                return "block", step.located.block

    def family(self, step: DiffStep) -> Hashable:
        """Return a block, a merge, or a layer of a family: a norm, an activation."""
        match step.node:
            case Op(layer=layer):
                return type(layer).__module__
            case node:
                return node.node

    def likeness(self, a: DiffStep, b: DiffStep) -> float:
        """Return the share of layers that two steps have in common, from 0 to 1."""
        x, y = Counter(self._layers(a)), Counter(self._layers(b))
        return (x & y).total() / max(x.total(), y.total(), 1)

    def _layers(self, step: DiffStep) -> Iterator[Hashable]:
        if isinstance(step.node, Op):
            yield self.exact(step)
        for inner in step.inside:
            yield from self._layers(inner)
