"""Drafts to IR: the five rules for parameter names (grammar/README.md) are here and nowhere else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from math import prod
from typing import Any, TypeVar

from resspec.diagnostics import Diagnostic
from resspec.ir.nodes import Node, Op, Parallel, Repeat, Scope, Series
from resspec.ir.shape import Name, Shape
from resspec.lowering import clause_errors
from resspec.lowering.draft import Draft, Fork, Inner, Leaf, Loop, Row, Run, row
from resspec.lowering.module_attributes import MODULE_ATTRIBUTES
from resspec.source import Span
from resspec.syntax import ast

POSITION = ""
MAX_PARTS = 16  # of a label with dots
AnyNode = TypeVar("AnyNode", Op, Series, Parallel, Repeat, Scope)
Report = Callable[[Diagnostic], None]


class Namer:
    """Names the steps of one scope: by position from 0 in a numbered scope, else by kind and number."""

    def __init__(self, *, by_position: bool, report: Report) -> None:
        self.by_position = by_position
        self.report = report
        self.next: defaultdict[str, int] = defaultdict(int)
        self.taken: dict[str, Span] = {}
        self.shared: dict[str, Span] = {}  # scopes that dotted labels opened
        self.drafts: tuple[Draft, ...] = ()

    def close(self, *drafts: Draft) -> list[Node]:
        """The named trees of all that stands directly in this scope."""
        self.drafts = drafts
        return [self._name(draft, ()) for draft in drafts]

    def _count(
        self, drafts: Iterable[Draft], turns: int, usage: defaultdict[str, int]
    ) -> defaultdict[str, int]:
        """Adds how far each counter moves over so many turns of some drafts."""
        for draft in drafts:
            match draft:
                case Leaf(implied=True) | Run():
                    pass
                case Leaf() | Inner():
                    if self.by_position:
                        usage[POSITION] += turns
                    elif draft.label is None:
                        usage[draft.key] += turns
                case Row(steps=parts) | Fork(paths=parts):
                    self._count(parts, turns, usage)
                case Loop(count=count, body=body):
                    self._count((body,), turns * count, usage)
        return usage

    @cached_property
    def _has_one_fc(self) -> bool:
        return self._count(self.drafts, 1, defaultdict(int))["fc"] == 1

    def _name(self, draft: Draft, loops: tuple[_Loop, ...]) -> Node:
        match draft:
            case Leaf(implied=True):
                return _op(draft, None)
            case Leaf() | Inner():
                return self._named(draft, loops)
            case Row():
                return series(
                    [self._name(step, loops) for step in draft.steps], draft.input, draft.span
                )
            case Fork():
                paths = tuple(self._name(path, loops) for path in draft.paths)
                return _made(
                    Parallel,
                    draft,
                    merge=draft.merge,
                    paths=paths,
                    residual=draft.residual,
                    inplace=draft.inplace,
                )
            case Loop():
                moves = self._count((draft.body,), 1, defaultdict(int))
                body = self._name(draft.body, (*loops, _Loop(draft.count, moves)))
                for key, n in moves.items():
                    self.next[key] += n * (draft.count - 1)
                return _made(Repeat, draft, count=draft.count, body=body)
            case Run():
                return self._run(draft, loops)

    def _named(self, draft: Leaf | Inner, loops: tuple[_Loop, ...]) -> Node:
        if draft.label is not None:
            if self.by_position:
                self.next[POSITION] += 1
            *path, last = draft.label.text.split(".")
            self._take(path, Name.parse(last), loops, draft.label.span)
            return _within(path, _leaf(draft, Name.parse(last)))
        key = POSITION if self.by_position else draft.key
        number = self.next[key] + (0 if self.by_position else 1)
        self.next[key] += 1
        name = (
            Name("fc")
            if key == "fc" and self._has_one_fc
            else _numbered_name(key, number, loops, key)
        )
        self._take([], name, loops, draft.span)
        return _leaf(draft, name)

    def _run(self, run: Run, loops: tuple[_Loop, ...]) -> Node:
        *path, last = run.label.text.removesuffix("..").split(".")
        first = Name.parse(last)
        inner = _Run(first, report=self.report)
        node = inner.close(run.body)[0]
        if first.number is None:
            self.report(
                clause_errors.bad_label(
                    run.label.span, "the number to count from is missing: `name0..:`"
                )
            )
        elif problem := _problem(path, first):
            self.report(clause_errors.bad_label(run.label.span, problem))
        elif inner.taken:
            self._note(path, [*inner.taken.items()] * prod(loop.count for loop in loops))
        if loops and not path:
            node = _under_loops(node, len(loops))
        return _within(path, node)

    def _take(self, path: list[str], name: Name, loops: tuple[_Loop, ...], span: Span) -> None:
        """Note a name at all its turns; report a bad one, and one that stands already."""
        full = name.at()
        if problem := _problem_of(full) or (path and _problem(path, name)):
            self.report(clause_errors.bad_label(span, problem))
        elif path or loops or full in self.taken or full in self.shared:
            self._note(path, [(each, span) for each in _at_all_turns(name, loops)])
        else:
            self.taken[full] = span

    def _note(self, path: list[str], names: list[tuple[str, Span]]) -> None:
        """Names in the scope of a path, each with its place; the first that stands already is reported."""
        for prefix in (".".join(path[:i]) for i in range(1, len(path) + 1)):
            if prefix in self.taken:
                self.report(clause_errors.label_twice(names[0][1], prefix, self.taken[prefix]))
                return
            self.shared.setdefault(prefix, names[0][1])
        names = [(".".join([*path, name]), span) for name, span in names] if path else names
        new = dict(names)
        if (
            len(new) == len(names)
            and new.keys().isdisjoint(self.taken.keys())
            and new.keys().isdisjoint(self.shared.keys())
        ):
            self.taken |= new
            return
        for name, span in names:
            if first := self.taken.get(name) or self.shared.get(name):
                self.report(clause_errors.label_twice(span, name, first))
                return
            self.taken[name] = span


class _Loop:
    """A repeat of the scope: its count, and how far each counter moves at each turn."""

    def __init__(self, count: int, moves: defaultdict[str, int]) -> None:
        self.count = count
        self.moves = moves


class _Run(Namer):
    """Every unlabelled step takes the next number after the run's prefix."""

    def __init__(self, first: Name, report: Report) -> None:
        super().__init__(by_position=True, report=report)
        self.first = first

    def _named(self, draft: Leaf | Inner, loops: tuple[_Loop, ...]) -> Node:
        number = (self.first.number or 0) + self.next[POSITION]
        if draft.label is not None:
            return super()._named(draft, loops)
        self.next[POSITION] += 1
        name = _numbered_name(self.first.prefix, number, loops, POSITION)
        self._take([], name, loops, draft.span)
        return _leaf(draft, name)


def numbered(label: ast.Name, body: Draft, report: Report, block: str | None = None) -> Draft:
    """What a label on several steps means: a numbered scope. An implied flattening at its start stays before it."""
    first, rest = _split_implied(body)
    node = Namer(by_position=True, report=report).close(rest)[0]
    inner = Inner(node, "", body.span, max(body.size, 1), body.factors, block, label)
    return row([first, inner], body.input, body.span) if first else inner


def module(body: Draft, block: str, span: Span, report: Report) -> Inner:
    """A called block: a scope of its own, whose steps are named by kind."""
    node = Namer(by_position=False, report=report).close(body)[0]
    return Inner(node, block, span, max(body.size, 1), body.factors, block)


def names(draft: Draft) -> int:
    """How many names the scope around a draft will hold for it, repeats written out."""
    match draft:
        case Leaf(implied=True):
            return 0
        case Leaf() | Inner():
            return 1
        case Row(steps=parts) | Fork(paths=parts):
            return sum(map(names, parts))
        case Loop(count=count, body=body):
            return count * names(body)
        case Run(body=body):
            return names(body)


def series(nodes: list[Node], x: Shape, span: Span) -> Node:
    """Nodes in a row, without rows in rows; neighbours that share a scope's name are one scope."""
    flat: list[Node] = []
    for node in nodes:
        for part in node.children if isinstance(node, Series) else (node,):
            last = flat[-1] if flat else None
            if isinstance(last, Scope) and isinstance(part, Scope) and last.name == part.name:
                body = series([last.body, part.body], last.input, span)
                flat[-1] = last.changed(output=part.output, body=body)
            else:
                flat.append(part)
    if len(flat) == 1:
        return flat[0]
    return Series(
        input=x, output=flat[-1].output if flat else x, span=str(span), children=tuple(flat)
    )


def _made(node: type[AnyNode], draft: Draft, **fields: Any) -> AnyNode:
    """A node at the draft's place; what the lowering found needs no validation."""
    return node(input=draft.input, output=draft.output, span=str(draft.span), **fields)


def _numbered_name(prefix: str, number: int, loops: tuple[_Loop, ...], key: str) -> Name:
    """`key`: which of the loops' counters counts it."""
    if loops:
        return Name(prefix, number, tuple(loop.moves[key] for loop in loops))
    return Name.parse(f"{prefix}{number}")


def _at_all_turns(name: Name, loops: tuple[_Loop, ...]) -> list[str]:
    """A step's names at every turn of the repeats around it, in order."""
    if name.number is None or not name.steps:
        return [name.at()] * prod(loop.count for loop in loops)
    numbers = [name.number]
    for loop, step in zip(loops, name.steps, strict=True):
        numbers = [number + step * turn for number in numbers for turn in range(loop.count)]
    return [f"{name.prefix}{number}" for number in numbers]


def _leaf(draft: Leaf | Inner, name: Name) -> Node:
    if isinstance(draft, Leaf):
        return _op(draft, name)
    return _made(Scope, draft, name=name, body=draft.body, block=draft.block)


def _op(draft: Leaf, name: Name | None) -> Op:
    return Op(
        input=draft.input,
        output=draft.output,
        span=str(draft.span),
        name=name,
        layer=draft.layer,
        init=draft.init,
    )


def _within(path: list[str], node: Node) -> Node:
    for name in reversed(path[:MAX_PARTS]):  # what has more was refused
        node = Scope(
            input=node.input,
            output=node.output,
            span=node.span,
            name=Name.parse(name),
            body=node,
            block=None,
        )
    return node


def _under_loops(node: Node, depth: int) -> Node:
    """The names of a run count from its own start: outer repeats do not move them (and so cannot repeat them)."""
    match node:
        case Op(name=Name(steps=steps)) | Scope(name=Name(steps=steps)):
            assert node.name is not None
            return (
                node.changed(name=node.name._replace(steps=(0,) * depth + steps)) if steps else node
            )
        case Series(children=children):
            return node.changed(children=tuple(_under_loops(child, depth) for child in children))
        case Parallel(paths=paths):
            return node.changed(paths=tuple(_under_loops(path, depth) for path in paths))
        case Repeat(body=body):
            return node.changed(body=_under_loops(body, depth))
        case _:
            return node


def _split_implied(draft: Draft) -> tuple[Draft | None, Draft]:
    """An implied first step, and the rest."""
    if not isinstance(draft, Row) or not draft.steps:
        return None, draft
    head, *tail = draft.steps
    first, rest = (head, None) if isinstance(head, Leaf) and head.implied else _split_implied(head)
    if first is None:
        return None, draft
    return first, row([*([rest] if rest else []), *tail], first.output, draft.span)


def _problem(path: list[str], name: Name) -> str | None:
    """Why a name cannot be a module's."""
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
