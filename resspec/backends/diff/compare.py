"""Differences inside two steps that belong together, in terms of the fields of the IR."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import pairwise, zip_longest
from typing import NamedTuple

from resspec.backends.diff.align import aligned
from resspec.backends.diff.fields import arm, arm_kind, fields
from resspec.backends.diff.steps import DiffStep, Keys
from resspec.backends.summary import summary
from resspec.ir.nodes import Located, Op, Parallel, Scope

Pair = tuple[DiffStep | None, DiffStep | None]
Scopes = set[tuple[str, str]]

_DIGITS = "0123456789"
# Blocks of two types with less in common replace each other; with more, one changed to the other.
ALIKE = 0.6


class Detail(NamedTuple):
    """A difference at a step inside a block, or at the block itself where `at` is empty.

    It is a field, the shortcut, a name, or a step that is added, removed or replaced. A value that
    a side lacks is empty.
    """

    at: str
    what: str
    a: str
    b: str
    a_span: str
    b_span: str


class Comparison:
    """A comparison of steps, with the keys under which they were found to belong together."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    def pairs(self, a: list[DiffStep], b: list[DiffStep]) -> list[Pair]:
        return list(aligned(a, b, self.keys.exact, self.keys.skeleton, _kind, self.keys.family))

    def steps(self, a: DiffStep, b: DiffStep, at: str) -> Iterator[Detail]:
        """Return the differences inside two steps, which are `at` a place."""
        match a.node, b.node:
            case Scope(), Scope():
                if a.located.block != b.located.block and self.keys.likeness(a, b) < ALIKE:
                    yield _replaced(a, b, at)
                elif self.keys.exact(a) != self.keys.exact(b):
                    yield from self.rows(a.contents, b.contents, at)
            case Parallel() as x, Parallel() as y:
                yield from self._merges(x, y, a, b, at)
            case Op() as x, Op() as y if x.kind == y.kind:
                if self.keys.exact(a) != self.keys.exact(b):
                    yield from (Detail(at, *change, a.span, b.span) for change in fields(a, b))
            case _:
                yield _replaced(a, b, at)

    def rows(
        self, a: list[DiffStep], b: list[DiffStep], at: str, *, moved: bool = False
    ) -> Iterator[Detail]:
        """Return the differences of two rows of steps, which are `at` a place.

        Args:
            a: The first row.
            b: The second row.
            at: Their place.
            moved: Whether they are in another order among others, which explains other numbers.
        """
        a, b, shortcut = self.without_lone_shortcut(a, b, at)
        yield from shortcut
        pairs = self.pairs(a, b)
        shifted = moved or any(None in pair for pair in pairs)
        scopes: Scopes = set()
        for x, y in pairs:
            if x and y:
                yield from self.steps(x, y, _within(at, x))
                yield from self.names(x, y, at, shifted, scopes)
            elif x:
                holds = summary(x.located)
                yield Detail(_within(at, x), "removed", holds, "", x.span, _nearest(b, x))
            elif y:
                holds = summary(y.located)
                yield Detail(_within(at, y), "added", "", holds, _nearest(a, y), y.span)

    def without_lone_shortcut(
        self, a: list[DiffStep], b: list[DiffStep], at: str
    ) -> tuple[list[DiffStep], list[DiffStep], list[Detail]]:
        """Return the rows, with a residual sum that only one side has replaced by its residual."""
        sums = _sums(a), _sums(b)
        match sums:
            case [i], []:
                a, words, span = _opened(a, i)
                return a, b, [Detail(at, "shortcut", words, "none", span, _nearest(b, a[0]))]
            case [], [i]:
                b, words, span = _opened(b, i)
                return a, b, [Detail(at, "shortcut", "none", words, _nearest(a, b[0]), span)]
            case _:
                return a, b, []

    def names(
        self, a: DiffStep, b: DiffStep, at: str, shifted: bool, scopes: Scopes
    ) -> Iterator[Detail]:
        """Compare the names of two steps with tensors.

        Numbers are `shifted` by steps before them. Names of the `scopes` were compared before.
        """
        if not (_has_tensors(a) and _has_tensors(b)):
            return
        both = a.scope, b.scope
        if a.scope != b.scope and both not in scopes:
            scopes.add(both)
            yield Detail(at, "name", a.place, b.place, a.span, b.span)
            return
        is_shifted = shifted and a.name.rstrip(_DIGITS) == b.name.rstrip(_DIGITS)
        if a.name != b.name and not is_shifted:
            yield Detail(at, "name", a.name, b.name, a.span, b.span)

    def _merges(
        self, x: Parallel, y: Parallel, one: DiffStep, other: DiffStep, at: str
    ) -> Iterator[Detail]:
        a, b, spans = one.paths, other.paths, (one.span, other.span)
        ours, theirs = one.located.parts, other.located.parts
        if x.merge != y.merge:
            yield Detail(at, "merge", x.merge, y.merge, *spans)
        if len(a) == len(b) == 2 and x.residual is not None and y.residual is not None:
            i, j = x.residual, y.residual
            if i != j:
                words = "residual", "shortcut"
                yield Detail(at, "first path", words[i], words[j], *spans)
            yield from self.rows(a[i], b[j], at)
            yield from self._shortcuts(a[1 - i], b[1 - j], ours[1 - i], theirs[1 - j], at)
            return
        pairs = self.paths(a, b)
        both = [(i, j) for i, j in pairs if i is not None and j is not None]
        moved = is_reordered(both)
        if moved:
            before, after = (_places(side) for side in zip(*both, strict=True))
            yield Detail(at, "the order of the paths", before, after, *spans)
        for i, j in both:
            yield from self.rows(a[i], b[j], at, moved=moved)
        for i in sorted(set(range(len(a))) - {i for i, _ in both}):
            yield Detail(at, "path", summary(ours[i]), "", ours[i].span, spans[1])
        for j in sorted(set(range(len(b))) - {j for _, j in both}):
            yield Detail(at, "path", "", summary(theirs[j]), spans[0], theirs[j].span)

    def paths(
        self, a: list[list[DiffStep]], b: list[list[DiffStep]]
    ) -> list[tuple[int | None, int | None]]:
        """Pair the paths of two merges; None where a side has no path left.

        Equal paths come first, then those of the same layers, then the others in their order.
        """
        free_a, free_b = list(range(len(a))), list(range(len(b)))
        pairs: list[tuple[int | None, int | None]] = []
        for key in (self.keys.exact, self.keys.skeleton):
            x, y = ([tuple(map(key, path)) for path in paths] for paths in (a, b))
            for i in list(free_a):
                alike = [j for j in free_b if x[i] == y[j]]
                if alike:
                    j = i if i in alike else alike[0]
                    pairs.append((i, j))
                    free_a.remove(i)
                    free_b.remove(j)
        pairs += zip_longest(free_a, free_b)
        return sorted(pairs, key=lambda pair: (pair[0] is None, pair))

    def _shortcuts(
        self, a: list[DiffStep], b: list[DiffStep], x: Located, y: Located, at: str
    ) -> Iterator[Detail]:
        if arm_kind(a, x) == arm_kind(b, y):
            yield from self.rows(a, b, at)
        else:
            yield Detail(at, "shortcut", arm(a, x), arm(b, y), x.span, y.span)


def _replaced(a: DiffStep, b: DiffStep, at: str) -> Detail:
    words = summary(a.located), summary(b.located)
    return Detail(at, "replaced", *words, a.span, b.span)


def is_reordered(pairs: list[tuple[int, int]]) -> bool:
    """Return whether paths that belong together are in another order.

    The pairs are in the order of the first side.
    """
    return any(j > k for (_, j), (_, k) in pairwise(pairs))


def _places(numbers: Iterable[int]) -> str:
    return " ".join(str(number + 1) for number in numbers)


def _within(at: str, step: DiffStep) -> str:
    return at if isinstance(step.node, Parallel) else f"{at}.{step.place}" if at else step.place


def _nearest(row: list[DiffStep], step: DiffStep) -> str:
    """Return the place of the other side's row, where it has nothing that corresponds."""
    return row[0].span if row else step.span


def _sums(row: list[DiffStep]) -> list[int]:
    nodes = [step.node for step in row]
    return [i for i, x in enumerate(nodes) if isinstance(x, Parallel) and x.residual is not None]


def _opened(row: list[DiffStep], i: int) -> tuple[list[DiffStep], str, str]:
    """Return the row with its sum replaced by the residual, the other paths, and their place."""
    node, paths = row[i].node, row[i].paths
    assert isinstance(node, Parallel) and node.residual is not None
    inside = row[i].located.parts
    others = [(path, inside[j]) for j, path in enumerate(paths) if j != node.residual]
    words = ", ".join(arm(path, at) for path, at in others)
    return [*row[:i], *paths[node.residual], *row[i + 1 :]], words, others[0][1].span


def _kind(step: DiffStep) -> Hashable:
    match step.node:
        case Op() as op:
            return op.kind
        case Parallel(merge=merge):
            return merge
        case _:
            return "block", step.located.block


def _has_tensors(step: DiffStep) -> bool:
    match step.node:
        case Op(layer=layer, input=x):
            return bool(layer.parameters(x) or layer.buffers(x))
        case node:
            return isinstance(node, Scope)
