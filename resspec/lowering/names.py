"""Names, a pass over each finished scope: the five rules (grammar/README.md) are here and nowhere
else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property, lru_cache
from math import prod
from typing import NamedTuple

from resspec.diagnostics import Reporter
from resspec.ir import walk
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope, Series
from resspec.ir.shape import Name
from resspec.lowering import clause_errors
from resspec.lowering.module_attributes import MODULE_ATTRIBUTES
from resspec.lowering.parts import Draft, drafts, flattened, row
from resspec.source import Span
from resspec.syntax import ast

POSITION = ""
MAX_PARTS = 16  # of a label with dots
Counts = defaultdict[str, int]


class Loop(NamedTuple):
    """A repeat of the scope: its turns, and how far each counter moves at each of them."""

    turns: int
    moves: Counts


Loops = tuple[Loop, ...]  # around a step in its scope, outermost first


class Namer:
    """The names of one scope: by position from 0 in a numbered scope, else by kind and number."""

    def __init__(self, *, by_position: bool, report: Reporter) -> None:
        self.by_position = by_position
        self.report = report
        self.next: Counts = defaultdict(int)
        self.taken: dict[str, Span] = {}
        self.shared: dict[str, Span] = {}  # scopes that dotted labels opened
        self.rows: dict[str, Draft] = {}  # numbered scopes, which dotted labels may add to
        self.contents: tuple[Draft, ...] = ()
        self.ends: defaultdict[tuple[str, ...], int] = defaultdict(int)  # of runs in each scope
        self.starts: defaultdict[ast.Identifier, list[int]] = defaultdict(
            list
        )  # of runs that go on

    def close(self, *contents: Draft) -> list[Located]:
        """Return all that is directly in this scope, named and in the normal form."""
        self.contents = contents
        return [self._name(part, ()) for part in contents]

    @cached_property
    def _has_one_fc(self) -> bool:
        return self._count(self.contents, 1, defaultdict(int))["fc"] == 1

    def _count(self, parts: Iterable[Draft], turns: int, counts: Counts) -> Counts:
        """Add how far each counter moves over so many turns of some parts."""
        for part in parts:
            if part.runs or part.implied:
                continue
            match part.node:
                case Op() | Scope():
                    if self.by_position:
                        counts[POSITION] += turns
                    elif part.label is None:
                        counts[part.key] += turns
                case Repeat(count=count):
                    self._count(drafts(part), turns * count, counts)
                case _:
                    self._count(drafts(part), turns, counts)
        return counts

    def _name(self, part: Draft, loops: Loops) -> Located:
        node = part.node
        if part.runs:
            return self._run(part, loops)
        match node:
            case Op() if part.implied:
                return Located(node, part.span)
            case Op() | Scope():
                return self._named(part, loops)
            case Series():
                steps = [self._name(step, loops) for step in drafts(part)]
                if any(isinstance(step.node, (Series, Scope)) for step in steps):
                    return walk.series(steps, node.input, part.span)
                return _around(part, steps)
            case Repeat(count=count):
                (body,) = drafts(part)
                moves = self._count([body], 1, defaultdict(int))
                inside = self._name(body, (*loops, Loop(count, moves)))
                for key, n in moves.items():
                    self.next[key] += n * (count - 1)
                return _around(part, [inside])
            case _:
                return _around(part, [self._name(path, loops) for path in drafts(part)])

    def _named(self, part: Draft, loops: Loops) -> Located:
        if part.label is not None:
            if self.by_position:
                self.next[POSITION] += 1
            *path, last = part.label.text.split(".")
            self._take(path, Name.parse(last), loops, part.label.span)
            if isinstance(part.node, Scope) and part.block is None:
                self.rows[part.label.text] = part
            return _within(path, _step(part, Name.parse(last)))
        key = POSITION if self.by_position else part.key
        number = self.next[key] + (0 if self.by_position else 1)
        self.next[key] += 1
        if key == "fc" and self._has_one_fc:
            name = Name("fc")
        else:
            name = _numbered_name(key, number, loops, key)
        self._take([], name, loops, part.place)
        return _step(part, name)

    def _run(self, part: Draft, loops: Loops) -> Located:
        label, *inner = part.runs
        *path, last = label.text.removesuffix("..").split(".")
        first = Name.parse(last)
        if first.number is None:  # `features..:` counts on from the last run in that scope
            path, first = [*path, last], Name("", self.ends[*path, last, ""])
            self.starts[label].append(first.number or 0)
        run = _Run(first, report=self.report)
        (located,) = run.close(replace(part, runs=tuple(inner)))
        self.ends[*path, first.prefix] = (first.number or 0) + run.next[POSITION]
        if problem := _problem(path, first):
            self.report(clause_errors.bad_label(label.span, problem))
        elif run.taken:
            self._note(path, [*run.taken.items()] * prod(loop.turns for loop in loops))
        if loops and not path:
            located = _under_loops(located, len(loops))
        return _within(path, located)

    def _take(self, path: list[str], name: Name, loops: Loops, span: Span) -> None:
        """Note a name at all its turns; report a bad one, and one that is taken."""
        full = name.at()
        if problem := _problem_of(full) or (path and _problem(path, name)):
            self.report(clause_errors.bad_label(span, problem))
        elif path or loops or full in self.taken or full in self.shared:
            self._note(path, [(each, span) for each in _at_all_turns(name, loops)])
        else:
            self.taken[full] = span

    def _note(self, path: list[str], names: list[tuple[str, Span]]) -> None:
        """Note names in the scope of a path, each with its place; report the first that is
        taken.
        """
        for prefix in (".".join(path[:i]) for i in range(1, len(path) + 1)):
            self._reopen(prefix)
            if prefix in self.taken:
                self.report(clause_errors.label_twice(names[0][1], prefix, self.taken[prefix]))
                return
            self.shared.setdefault(prefix, names[0][1])
        if path:
            names = [(".".join([*path, name]), span) for name, span in names]
        new = dict(names)
        known = new.keys() & (self.taken.keys() | self.shared.keys())
        if len(new) == len(names) and not known:
            self.taken |= new
            return
        for name, span in names:
            if first := self.taken.get(name) or self.shared.get(name):
                self.report(clause_errors.label_twice(span, name, first))
                return
            self.taken[name] = span

    def _reopen(self, scope: str) -> None:
        """Let a dotted label add to a numbered scope, where all that it holds is taken."""
        if scope in self.rows and scope in self.taken:
            place = self.shared[scope] = self.taken.pop(scope)
            steps = (step for part in self.rows[scope].parts for step in walk.unrolled(part))
            self.taken |= {f"{scope}.{name}": place for name in _names_of(steps)}


class _Run(Namer):
    """The names of a run: each step without a label takes the next number after the run's
    prefix.
    """

    def __init__(self, first: Name, report: Reporter) -> None:
        super().__init__(by_position=True, report=report)
        self.first = first

    def _named(self, part: Draft, loops: Loops) -> Located:
        if part.label is not None:
            return super()._named(part, loops)
        number = (self.first.number or 0) + self.next[POSITION]
        self.next[POSITION] += 1
        name = _numbered_name(self.first.prefix, number, loops, POSITION)
        self._take([], name, loops, part.place)
        return _step(part, name)


def numbered(
    body: Draft, place: Span, report: Reporter, label: ast.Identifier | None = None
) -> Draft:
    """Return a numbered scope: what a label on several steps means, or `sequential`. An implied
    flattening at its start stays before it.
    """
    first, rest = _split_implied(body)
    (inside,) = Namer(by_position=True, report=report).close(rest)
    scope = _scope(inside, place, rest, label=label)
    return flattened(first, scope, place) if first else scope


def module(body: Draft, block: str, place: Span, report: Reporter) -> Draft:
    """Return a called block, a scope of its own, whose steps are named by kind."""
    (inside,) = Namer(by_position=False, report=report).close(body)
    return _scope(inside, place, body, block=block)


def _scope(
    inside: Located,
    place: Span,
    unnamed: Draft,
    block: str | None = None,
    label: ast.Identifier | None = None,
) -> Draft:
    body = inside.node
    node = Scope(body.input, body.output, body)
    return Draft(
        node,
        str(place),
        (inside,),
        None,
        block,
        place,
        block or "sequential",
        label,
        unnamed=unnamed,
        is_call=True,
    )


def _around(part: Draft, inside: list[Located]) -> Located:
    """Return a merge or repeat with these parts."""
    node = walk.with_nodes(part.node, walk.nodes_of(inside))
    return Located(node, part.span, tuple(inside))


def _step(part: Draft, name: Name) -> Located:
    """Return a layer or module under its name; of a module, what is inside is named already."""
    return Located(part.node, part.span, part.parts, name, part.block)


def _within(path: list[str], located: Located) -> Located:
    """Return a step in the scopes of a dotted label."""
    for name in reversed(path[:MAX_PARTS]):  # what has more was refused
        node = located.node
        scope = Scope(node.input, node.output, node)
        located = Located(scope, located.span, (located,), Name.parse(name))
    return located


def _under_loops(located: Located, depth: int) -> Located:
    """Return a run inside repeats, which do not move its names (and so cannot repeat them)."""
    name = located.name
    if isinstance(located.node, Op | Scope):
        if name is None or not name.steps:
            return located
        return replace(located, name=name._replace(steps=(0,) * depth + name.steps))
    return walk.with_parts(located, tuple(_under_loops(part, depth) for part in located.parts))


def _numbered_name(prefix: str, number: int, loops: Loops, key: str) -> Name:
    """Return a name whose number one of the loops' counters, that of `key`, counts."""
    if loops:
        return Name(prefix, number, tuple(loop.moves[key] for loop in loops))
    return Name.parse(f"{prefix}{number}")


def _at_all_turns(name: Name, loops: Loops) -> Iterator[str]:
    """Yield a step's names at every turn of the repeats around it, in order."""
    if name.number is None or not name.steps:
        yield from [name.at()] * prod(loop.turns for loop in loops)
        return
    numbers = [name.number]
    for loop, step in zip(loops, name.steps, strict=True):
        numbers = [number + step * turn for number in numbers for turn in range(loop.turns)]
    yield from (f"{name.prefix}{number}" for number in numbers)


def _names_of(steps: Iterable[walk.Step]) -> Iterator[str]:
    """Yield the names of steps, those in the paths of merges too."""
    for step in steps:
        if isinstance(step.node, Parallel):
            for path in step.paths:
                yield from _names_of(path)
        elif step.name is not None:
            yield step.name


def _split_implied(part: Draft) -> tuple[Draft | None, Draft]:
    """Return an implied first step, and the rest."""
    if not isinstance(part.node, Series) or part.runs or not part.parts:
        return None, part
    first, *rest = drafts(part)
    if not first.implied:
        return None, part
    return first, row(rest, first.node.output, part.place)


def _problem(path: list[str], name: Name) -> str | None:
    """Return why a name cannot be a module's."""
    if len(path) >= MAX_PARTS:
        return f"more than {MAX_PARTS} names, nested in each other"
    return next(filter(None, map(_problem_of, path)), None) or _problem_of(name.at())


@lru_cache(1 << 10)
def _problem_of(part: str) -> str | None:
    if not part:
        return "an empty name between two dots"
    if part in MODULE_ATTRIBUTES:
        return f"`{part}` is an attribute of every torch module"
    return "names that start with `__` are Python's own" if part.startswith("__") else None
