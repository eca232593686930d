"""What a part of a network does, one step after the other: repeats written out, scopes that are no block opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import NamedTuple

from resspec.ir.fingerprint import Digests
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series


class Step(NamedTuple):
    """A layer, a block or a merge. `scope`: the names of the scopes around it that are no blocks, each with its dot;
    `turns` of the repeats in its scope, `turn` of the nearest one at all."""

    node: Op | Scope | Parallel
    scope: str
    name: str
    turns: tuple[int, ...]
    turn: int | None

    @property
    def place(self) -> str:
        return self.scope + self.name if self.name else self.scope.rstrip(".")

    @property
    def contents(self) -> list[Step]:
        """Of a block, what it does."""
        assert isinstance(self.node, Scope)
        return list(steps(self.node.body, turn=self.turn))

    @property
    def paths(self) -> list[list[Step]]:
        """Of a merge, what each path does."""
        assert isinstance(self.node, Parallel)
        return [list(steps(path, self.scope, self.turns, self.turn)) for path in self.node.paths]


def steps(
    node: Node, scope: str = "", turns: tuple[int, ...] = (), turn: int | None = None
) -> Iterator[Step]:
    match node:
        case Op(name=name):
            if node.kind != "identity":
                yield Step(node, scope, name.at(*turns) if name else "", turns, turn)
        case Scope(name=name, block=str()):
            yield Step(node, scope, name.at(*turns), (), turn)
        case Scope(name=name, body=body):
            yield from steps(body, f"{scope}{name.at(*turns)}.", (), turn)
        case Series(children=children):
            for child in children:
                yield from steps(child, scope, turns, turn)
        case Parallel(paths=(path,)):
            yield from steps(path, scope, turns, turn)
        case Parallel():
            yield Step(node, scope, "", turns, turn)
        case Repeat(count=count, body=body):
            for i in range(count):
                yield from steps(body, scope, (*turns, i), i)


class Keys:
    """What two steps may have in common, from all to little."""

    def __init__(self, digests: Digests) -> None:
        self._digests = digests

    def exact(self, step: Step) -> Hashable:
        """All that the network's hash counts, but for the step's own name and, of a merge, those of its steps."""
        match step.node:
            case Op() as op:
                return self._digests.op(op, step.turn)
            case Scope(body=body):
                return self._digests.row((body,), (), step.turn)
            case Parallel(merge=merge):
                return merge, tuple(tuple(map(self.exact, path)) for path in step.paths)

    def skeleton(self, step: Step) -> Hashable:
        """The kinds of its layers, and how they are joined."""
        match step.node:
            case Op() as op:
                return op.kind
            case Scope():
                return "block", *map(self.skeleton, step.contents)
            case Parallel(merge=merge):
                return merge, tuple(tuple(map(self.skeleton, path)) for path in step.paths)

    def family(self, step: Step) -> Hashable:
        """A block, a merge, or a layer of a family: a norm, an activation."""
        match step.node:
            case Op(layer=layer):
                return type(layer).__module__
            case node:
                return node.node

    def likeness(self, a: Step, b: Step) -> float:
        """From 0, no layer of one is in the other, to 1."""
        x, y = Counter(self._layers(a)), Counter(self._layers(b))
        return (x & y).total() / max(x.total(), y.total(), 1)

    def _layers(self, step: Step) -> Iterator[Hashable]:
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
