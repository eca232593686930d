"""The tree that is hashed: a step without parameters is in the scope of the step with parameters
before it, and a scope that has all parameters of a merge is around the merge.

Networks with the same steps, and the same full names of those with parameters, have the same tree
here, however their scopes are nested around the other steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from resspec.ir import walk
from resspec.ir.nodes import Located, Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.shape import Name, Shape

Steps = tuple[Located, ...]


class _OpenScope(NamedTuple):
    """A scope at the end of a row, to which steps are added."""

    scope: Located
    row: list[Located | _OpenScope]


_Row = list[Located | _OpenScope]


class Hoisting:
    """The hoisted steps of parts, each computed once.

    A step is a layer, a merge, a repeat, or a scope that begins with parameters.
    """

    def __init__(self) -> None:
        self._steps: dict[tuple[Located, int], Steps] = {}
        self._bodies: dict[tuple[Steps, Shape], Located] = {}
        self._inside: dict[Located, Steps] = {}  # of these bodies
        self._tensors: dict[Node, bool] = {}
        self._varies: dict[Node, bool] = {}

    def whole(self, parts: Iterable[Located], x: Shape) -> Located:
        """Return parts that run in a row, from an input of this shape."""
        return self._body(self._joined((step for p in parts for step in self._of(p, 0)), 0), x)

    def has_tensors(self, node: Node) -> bool:
        """Return whether anything in a node has parameters or buffers."""
        found = self._tensors.get(node)
        return walk.fold(node, _tensors, self._tensors) if found is None else found

    def has_ramps(self, node: Node) -> bool:
        """Return whether anything in a node varies from turn to turn."""
        return walk.varies(node, self._varies, inside_repeats=True)

    def _of(self, part: Located, depth: int) -> Steps:
        """Return the steps of a part with so many repeats around it in its scope."""
        key = part, depth
        if (known := self._steps.get(key)) is None:
            known = self._steps[key] = self._hoisted(part, depth)
        return known

    def _hoisted(self, part: Located, depth: int) -> Steps:
        match part.node:
            case Op(layer=layer):
                return () if layer.kind == "identity" else (part,)
            case Series():
                return self._joined((s for p in part.parts for s in self._of(p, depth)), depth)
            case Scope():
                before, rest = self._split(self._of(part.body, 0))
                return (*before, self._scope(part, rest)) if rest else before
            case Parallel():
                return (self._merge(part, [self._of(path, depth) for path in part.parts]),)
            case Repeat(count=count):
                return self._turns_of(part, count, depth)

    def _merge(self, merge: Located, paths: list[Steps]) -> Located:
        """Return a merge, in the scope that all parameters of its paths are in."""
        held = [step for path in paths for step in path if self.has_tensors(step.node)]
        scopes = {step.name if isinstance(step.node, Scope) else None for step in held}
        if len(scopes) != 1 or None in scopes:
            return self._with_paths(merge, paths)
        opened = [self._joined(self._opened(path), 0) for path in paths]
        return self._scope(held[0], (self._merge(merge, opened),))

    def _opened(self, path: Steps) -> Iterator[Located]:
        """Yield the steps of a path, and those of its scope in place of it."""
        for step in path:
            yield from self._inside[step.body] if self.has_tensors(step.node) else (step,)

    # --- repeats ---

    def _turns_of(self, part: Located, count: int, depth: int) -> Steps:
        """Return a repeat that begins with parameters.

        What each turn begins with, if that has none, is at the end of the turn before.
        """
        body = self._of(part.body, depth + 1)
        before, rest = self._split(body)
        if not body:
            return ()
        if not rest:
            return (self._repeat(part, body, count),)
        if self._is_odd(rest, body, depth):
            return self._joined(self._turns(body, depth, count), depth)
        if not before:
            return (self._repeat(part, body, count),)
        turn = self._joined((*rest, *before), depth + 1)
        others = [self._repeat(part, turn, count - 1)] if count > 1 else []
        return (*before, *others, *(self._at(step, depth, count - 1) for step in rest))

    def _is_odd(self, rest: Steps, body: Steps, depth: int) -> bool:
        """Return whether turns differ by more than names, or one begins in the scope of another."""
        if any(self.has_ramps(step.node) for step in body):
            return True
        first, last = self._at(rest[0], depth, 1), self._at(rest[-1], depth, 0)
        return isinstance(first.node, Scope) and first.name == last.name

    def _turns(self, body: Steps, depth: int, count: int) -> Iterator[Located]:
        for turn in range(count):
            for step in body:
                yield self._at(step, depth, turn)

    def _last_turn_apart(self, part: Located, depth: int) -> Iterator[Located]:
        """Yield a repeat without its last turn, then that."""
        assert isinstance(part.node, Repeat)
        body, count = self._inside[part.body], part.node.count - 1
        if count:
            yield self._repeat(part, body, count)
        for step in body:
            yield self._at(step, depth, count)

    def _at(
        self, step: Located, depth: int | None, turn: int, *, is_nearest: bool = True
    ) -> Located:
        """Return a step at a turn of a repeat around it.

        Args:
            step: The step.
            depth: The repeats around that one in its scope; None for a step in an inner scope,
                whose name does not depend on the turn.
            turn: The turn.
            is_nearest: Whether no other repeat is nearer, so that numbers depend on the turn.
        """
        name = step.name if depth is None else _name_at(step.name, depth, turn)
        is_nearest = is_nearest and self.has_ramps(step.node)
        match step.node:
            case Op(layer=layer) as op:
                node = replace(op, layer=layer.at(turn)) if is_nearest else op
                return replace(step, name=name, node=node)
            case Scope():
                if not is_nearest:
                    return replace(step, name=name)
                body = [self._at(each, None, turn) for each in self._inside[step.body]]
                return replace(self._scope(step, tuple(body)), name=name)
            case Repeat(count=count):
                inside = self._inside[step.body]
                body = [self._at(each, depth, turn, is_nearest=False) for each in inside]
                return self._repeat(step, tuple(body), count)
            case _:
                paths = [self._inside[path] for path in step.parts]
                return self._with_paths(
                    step,
                    [
                        tuple([self._at(s, depth, turn, is_nearest=is_nearest) for s in path])
                        for path in paths
                    ],
                )

    # --- rows ---

    def _joined(self, steps: Iterable[Located], depth: int) -> Steps:
        """Return steps in a row, in the scopes that they belong to."""
        row: _Row = []
        for step in steps:
            self._add(step, row, depth)
        return self._closed(row)

    def _closed(self, row: _Row) -> Steps:
        return tuple(
            [
                self._scope(step.scope, self._closed(step.row))
                if isinstance(step, _OpenScope)
                else step
                for step in row
            ]
        )

    def _add(self, step: Located, row: _Row, depth: int) -> None:
        """Add a step to a row, inside of the scope at its end where it belongs there."""
        scope = self._end(row[-1], depth) if row else None
        if scope is None or not self._belongs(step, scope.name, depth):
            row.append(step)
            return
        while not isinstance(last := row[-1], _OpenScope):
            if isinstance(last.node, Repeat):
                row[-1:] = self._last_turn_apart(last, depth)
            else:
                row[-1] = _OpenScope(last, list(self._inside[last.body]))
        match step.node:
            case Repeat(count=count) if self.has_tensors(step.node):
                for each in self._turns(self._inside[step.body], depth, count):
                    self._add(each, row, depth)
            case Scope():
                for each in self._inside[step.body]:
                    self._add(each, last.row, 0)
            case _:
                self._add(step, last.row, 0)

    def _end(self, last: Located | _OpenScope, depth: int) -> Located | None:
        """Return the scope with parameters that a row ends in."""
        if isinstance(last, _OpenScope):
            return last.scope
        match last.node:
            case Scope():
                return last
            case Repeat(count=count) if self.has_tensors(last.node):
                end = self._end(self._inside[last.body][-1], depth + 1)
                return end and self._at(end, depth, count - 1)
            case _:
                return None

    def _belongs(self, step: Located, scope: Name | None, depth: int) -> bool:
        """Return whether a step has no parameters, or begins in this scope."""
        if not self.has_tensors(step.node):
            return True
        match step.node:
            case Scope():
                return step.name == scope
            case Repeat():
                return self._belongs(self._at(self._inside[step.body][0], depth, 0), scope, depth)
            case _:
                return False

    # --- parts with other steps ---

    def _split(self, row: Steps) -> tuple[Steps, Steps]:
        """Return the steps before the first with parameters, and the others."""
        found = (i for i, step in enumerate(row) if self.has_tensors(step.node))
        first = next(found, len(row))
        return row[:first], row[first:]

    def _scope(self, scope: Located, steps: Steps) -> Located:
        body = self._body(steps, steps[0].node.input)
        node = Scope(body.node.input, body.node.output, body.node)
        return Located(node, scope.span, (body,), scope.name)

    def _repeat(self, part: Located, steps: Steps, count: int) -> Located:
        body = self._body(steps, steps[0].node.input)
        node = Repeat(body.node.input, body.node.output, count, body.node)
        return Located(node, part.span, (body,))

    def _with_paths(self, merge: Located, paths: list[Steps]) -> Located:
        x = merge.node.input
        return walk.with_parts(merge, tuple([self._body(path, x) for path in paths]))

    def _body(self, steps: Steps, x: Shape) -> Located:
        """Return a row as one part, which is the same object for the same row."""
        key = steps, x
        if (known := self._bodies.get(key)) is None:
            known = self._bodies[key] = walk.series(steps, x, "")
            self._inside[known] = steps
        return known


def _name_at(name: Name | None, depth: int, turn: int) -> Name | None:
    """Return a name at a turn of the repeat around which there are `depth` more in its scope."""
    if name is None or name.number is None or len(name.steps) <= depth:
        return name
    number = name.number + name.steps[depth] * turn
    steps = (*name.steps[:depth], *name.steps[depth + 1 :])
    return Name(name.prefix, number, steps) if steps else Name.parse(f"{name.prefix}{number}")


def _tensors(node: Node, parts: list[bool]) -> bool:
    if isinstance(node, Op):
        layer, x = node.layer, node.input
        return layer.weighted or bool(layer.parameters(x) or layer.buffers(x))
    return any(parts)
