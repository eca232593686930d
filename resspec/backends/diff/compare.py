"""Differences inside two steps that belong together, in terms of the fields of the IR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise, zip_longest
from typing import NamedTuple

from resspec.backends.diff.align import aligned
from resspec.backends.diff.fields import fields
from resspec.backends.diff.steps import DiffPath, DiffStep, StepKeys
from resspec.backends.summary import summary
from resspec.ir.nodes import Op, Parallel, Scope

# Blocks of two types with less in common replace each other; with more, one changed to the other.
ALIKE = 0.6

_DIGITS = "0123456789"

Row = list[DiffStep]
Signs = dict[str, str]  # `-`, `+` or `~` by the full name; of a block for all in it


class Marks(NamedTuple):
    """Marks for a drawing of both sides; other names and initial values are not marked."""

    a: Signs
    b: Signs


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


class StepPair(NamedTuple):
    """Two steps that belong together, or one that is alone, with its differences.

    Both are None for a shortcut that a whole row gained or lost.
    """

    a: DiffStep | None
    b: DiffStep | None
    details: list[Detail]


class Comparison:
    """A comparison of steps, which marks what it finds."""

    def __init__(self, keys: StepKeys) -> None:
        self.keys = keys
        self.marks = Marks({}, {})

    def pairs(
        self, a: Row, b: Row, at: str | None = None, *, moved: bool = False
    ) -> list[StepPair]:
        """Return the steps of two rows in pairs.

        Args:
            a: The first row.
            b: The second row.
            at: The place of both rows in a block; None where each step has a change of its own.
            moved: Whether they are in another order among others, which explains other numbers.
        """
        around = at or ""
        a, b, found = self._without_lone_shortcut(a, b, around)
        keys = self.keys
        rows = list(aligned(a, b, keys.exact, keys.skeleton, keys.kind, keys.family))
        names = _Names(around, shifted=moved or any(None in pair for pair in rows))
        for x, y in rows:
            step = x or y
            assert step is not None
            inside = "" if at is None else _within(at, step)
            if x and y:
                details = [*self._both(x, y, inside), *names.differences(x, y)]
            elif x:
                details = [self._removed(x, b, inside)]
            else:
                details = [self._added(step, a, inside)]
            found.append(StepPair(x, y, details))
        return found

    def _details(self, a: Row, b: Row, at: str, *, moved: bool = False) -> Iterator[Detail]:
        for pair in self.pairs(a, b, at, moved=moved):
            yield from pair.details

    def _without_lone_shortcut(self, a: Row, b: Row, at: str) -> tuple[Row, Row, list[StepPair]]:
        """Return the rows, with a residual sum that only one side has replaced by its residual."""
        match _sums(a), _sums(b):
            case [i], []:
                words, span = self._shortcut(a[i], self.marks.a, "-")
                detail = Detail(at, "shortcut", words, "none", span, _nearest(b, a[i]))
                a = _opened(a, i)
            case [], [i]:
                words, span = self._shortcut(b[i], self.marks.b, "+")
                detail = Detail(at, "shortcut", "none", words, _nearest(a, b[i]), span)
                b = _opened(b, i)
            case _:
                return a, b, []
        return a, b, [StepPair(None, None, [detail])]

    def _shortcut(self, total: DiffStep, signs: Signs, sign: str) -> tuple[str, str]:
        """Mark the sum and the shortcuts of a residual block; return them in words."""
        shortcuts = [path for i, path in enumerate(total.paths) if i != _residual(total)]
        signs[total.full_name] = sign
        for path in shortcuts:
            _mark(path.steps, signs, sign)
        return ", ".join(map(str, shortcuts)), shortcuts[0].located.span

    def _removed(self, step: DiffStep, others: Row, at: str) -> Detail:
        _mark([step], self.marks.a, "-")
        return Detail(at, "removed", summary(step.located), "", step.span, _nearest(others, step))

    def _added(self, step: DiffStep, others: Row, at: str) -> Detail:
        _mark([step], self.marks.b, "+")
        return Detail(at, "added", "", summary(step.located), _nearest(others, step), step.span)

    def _replaced(self, a: DiffStep, b: DiffStep, at: str) -> Detail:
        _mark([a], self.marks.a, "-")
        _mark([b], self.marks.b, "+")
        return Detail(at, "replaced", summary(a.located), summary(b.located), a.span, b.span)

    def _changed(self, a: DiffStep, b: DiffStep) -> None:
        self.marks.a[a.full_name] = "~"
        self.marks.b[b.full_name] = "~"

    def _both(self, a: DiffStep, b: DiffStep, at: str) -> Iterator[Detail]:
        """Yield the differences inside two steps, which are `at` a place."""
        match a.node, b.node:
            case Scope(), Scope() if self._is_one_block(a, b):
                if self.keys.exact(a) != self.keys.exact(b):
                    yield from self._details(a.contents, b.contents, at)
            case Parallel(), Parallel():
                yield from self._merges(a, b, at)
            case Op(kind=one), Op(kind=other) if one == other:
                if self.keys.exact(a) != self.keys.exact(b):
                    yield from self._layers(a, b, at)
            case _:
                yield self._replaced(a, b, at)

    def _is_one_block(self, a: DiffStep, b: DiffStep) -> bool:
        return a.located.block == b.located.block or self.keys.likeness(a, b) >= ALIKE

    def _layers(self, a: DiffStep, b: DiffStep, at: str) -> Iterator[Detail]:
        for what, before, after in fields(a, b):
            if not what.startswith("init"):
                self._changed(a, b)
            yield Detail(at, what, before, after, a.span, b.span)

    def _merges(self, a: DiffStep, b: DiffStep, at: str) -> Iterator[Detail]:
        x, y = a.node, b.node
        assert isinstance(x, Parallel) and isinstance(y, Parallel)
        if x.merge != y.merge:
            yield Detail(at, "merge", x.merge, y.merge, a.span, b.span)
        are_residual = x.residual is not None and y.residual is not None
        if are_residual and len(x.paths) == len(y.paths) == 2:
            yield from self._residual_blocks(a, b, at)
        else:
            yield from self._paths(a, b, at)
        if x.merge != y.merge:
            self._changed(a, b)

    def _residual_blocks(self, a: DiffStep, b: DiffStep, at: str) -> Iterator[Detail]:
        i, j = _residual(a), _residual(b)
        if i != j:
            words = "residual", "shortcut"
            yield Detail(at, "first path", words[i], words[j], a.span, b.span)
        ours, theirs = a.paths, b.paths
        yield from self._details(ours[i].steps, theirs[j].steps, at)

        x, y = ours[1 - i], theirs[1 - j]
        if x.shortcut == y.shortcut:
            yield from self._details(x.steps, y.steps, at)
            return
        _mark(x.steps, self.marks.a, "-")
        _mark(y.steps, self.marks.b, "+")
        self._changed(a, b)
        yield Detail(at, "shortcut", str(x), str(y), x.located.span, y.located.span)

    def _paths(self, a: DiffStep, b: DiffStep, at: str) -> Iterator[Detail]:
        pairs = self._paired(a.paths, b.paths)
        both = [(x, y) for x, y in pairs if x and y]
        moved = any(y[0] > later[0] for (_, y), (_, later) in pairwise(both))
        if moved:
            before, after = (_numbers(side) for side in zip(*both, strict=True))
            yield Detail(at, "the order of the paths", before, after, a.span, b.span)
        for (_, x), (_, y) in both:
            yield from self._details(x.steps, y.steps, at, moved=moved)
        for ours, theirs in pairs:
            if ours and not theirs:
                path = ours[1].located
                _mark(ours[1].steps, self.marks.a, "-")
                yield Detail(at, "path", summary(path), "", path.span, b.span)
            elif theirs and not ours:
                path = theirs[1].located
                _mark(theirs[1].steps, self.marks.b, "+")
                yield Detail(at, "path", "", summary(path), a.span, path.span)
        if moved or len(both) < len(pairs):
            self._changed(a, b)

    def _paired(self, a: list[DiffPath], b: list[DiffPath]) -> list[_PathPair]:
        """Return the paths of two merges in pairs; None where a side has no path left.

        Equal paths come first, then those of the same layers, then the others in their order.
        """
        ours, theirs = dict(enumerate(a)), dict(enumerate(b))
        pairs: list[_PathPair] = []
        for key in (self.keys.exact_path, self.keys.skeleton_path):
            wanted = {j: key(path) for j, path in theirs.items()}
            for i, path in list(ours.items()):
                own = key(path)
                found = [j for j in theirs if wanted[j] == own]
                if found:
                    j = i if i in found else found[0]
                    pairs.append(((i, ours.pop(i)), (j, theirs.pop(j))))
        pairs += zip_longest(ours.items(), theirs.items())
        return sorted(pairs, key=_order)


_Numbered = tuple[int, DiffPath]
_PathPair = tuple[_Numbered | None, _Numbered | None]


def _order(pair: _PathPair) -> tuple[bool, int]:
    """Sort by the place on the first side, then by that on the second."""
    ours, theirs = pair
    return (False, ours[0]) if ours else (True, theirs[0] if theirs else 0)


class _Names:
    """Differences between the names of steps in two rows.

    Numbers are `shifted` where steps before them are alone. Other names of scopes count once.
    """

    def __init__(self, at: str, *, shifted: bool) -> None:
        self._at = at
        self._shifted = shifted
        self._scopes: set[tuple[str, str]] = set()

    def differences(self, a: DiffStep, b: DiffStep) -> Iterator[Detail]:
        """Yield the difference of two names, if both steps have tensors."""
        if not (_has_tensors(a) and _has_tensors(b)):
            return
        scopes = a.scope, b.scope
        if a.scope != b.scope and scopes not in self._scopes:
            self._scopes.add(scopes)
            yield Detail(self._at, "name", a.place, b.place, a.span, b.span)
        elif a.name != b.name and not self._is_shift(a.name, b.name):
            yield Detail(self._at, "name", a.name, b.name, a.span, b.span)

    def _is_shift(self, a: str, b: str) -> bool:
        return self._shifted and a.rstrip(_DIGITS) == b.rstrip(_DIGITS)


def _mark(row: Row, signs: Signs, sign: str) -> None:
    """Mark steps, and all that is in their merges."""
    for step in row:
        signs[step.full_name] = sign
        if isinstance(step.node, Parallel):
            _mark(list(step.inside), signs, sign)


def _numbers(paths: Iterable[_Numbered]) -> str:
    return " ".join(str(number + 1) for number, _ in paths)


def _within(at: str, step: DiffStep) -> str:
    return at if isinstance(step.node, Parallel) else f"{at}.{step.place}" if at else step.place


def _nearest(row: Row, step: DiffStep) -> str:
    """Return the place of the other side's row, where it has nothing that corresponds."""
    return row[0].span if row else step.span


def _residual(step: DiffStep) -> int:
    """Return the number of the path that is F in F + h."""
    assert isinstance(step.node, Parallel) and step.node.residual is not None
    return step.node.residual


def _sums(row: Row) -> list[int]:
    nodes = [step.node for step in row]
    return [i for i, x in enumerate(nodes) if isinstance(x, Parallel) and x.residual is not None]


def _opened(row: Row, i: int) -> Row:
    """Return a row with a sum replaced by its residual."""
    return [*row[:i], *row[i].paths[_residual(row[i])].steps, *row[i + 1 :]]


def _has_tensors(step: DiffStep) -> bool:
    match step.node:
        case Op(layer=layer, input=x):
            return bool(layer.parameters(x) or layer.buffers(x))
        case node:
            return isinstance(node, Scope)
