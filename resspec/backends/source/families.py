"""Bodies to classes: bodies of one kind are one class where one `forward` can serve them all, an optional part included."""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, cast

from resspec.backends.source.align import align
from resspec.backends.source.parameters import Mask, Parameter, Solver
from resspec.backends.source.patterns import Choice, Generaliser, Pattern, UnalikeError, holes, walk
from resspec.backends.source.syntax import FORMULAS, LOCALS, Names, class_name
from resspec.backends.source.terms import (
    Apply,
    Body,
    Loop,
    Merge,
    Program,
    Statement,
    Value,
    instances,
)


@dataclass(eq=False)
class Slot:
    """A statement of a class. `present`: the bodies that have it, where not all do, and the `test` that tells them; the
    others take the value `fallback` for what it makes, where anybody reads that."""

    statement: Statement
    pattern: Pattern | None = None
    inner: tuple[Slot, ...] = ()
    present: Mask | None = None
    fallback: int | None = None
    test: ast.expr | None = None
    optional: Literal["identity", "none", "flag"] | None = (
        None  # what stands in the place of what is not there
    )


def runs(slots: Iterable[Slot]) -> Iterator[list[Slot]]:
    """Slots one by one, but those under one flag together."""
    for _, run in groupby(
        slots, key=lambda slot: slot.present if slot.optional == "flag" else id(slot)
    ):
        yield list(run)


@dataclass(eq=False)
class Class:
    """A class of the emitted file, and what stands for each body in a call of its constructor."""

    bodies: Sequence[Body]
    slots: tuple[Slot, ...]
    template: Program
    solver: Solver
    name: str = ""
    tests: dict[Choice, list[ast.expr]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.form = self.bodies[0].form
        self._index = {id(body): i for i, body in enumerate(self.bodies)}

    @property
    def parameters(self) -> list[Parameter]:
        return self.solver.parameters

    def patterns(self) -> list[Pattern]:
        """Of all its statements, those in loops too."""
        return list(_patterns(self.slots))

    def arguments(self, body: Body) -> dict[str, Value]:
        return {p.name: p.values[self._index[id(body)]] for p in self.parameters}


def _patterns(slots: Iterable[Slot]) -> Iterator[Pattern]:
    for slot in slots:
        if slot.pattern is not None:
            yield slot.pattern
        yield from _patterns(slot.inner)


Classes = dict[int, Class]  # by id of the body


def families(root: Body, taken: Iterable[str]) -> list[Class]:
    """The classes of a network, each after those that it uses; the network's own is the last."""
    found: list[Class] = []
    of: Classes = {}
    for bodies in _kinds(root):
        for cls in _split(bodies, of):
            of.update((id(body), cls) for body in cls.bodies)
            found.append(cls)
    names = Names(
        [
            *taken,
            *LOCALS,
            *FORMULAS,
            *(parameter.name for cls in found for parameter in cls.parameters),
        ]
    )
    for cls in sorted(found, key=lambda cls: cls.bodies[0] is not root):
        kind = cls.bodies[0].kind
        cls.name = names.new(class_name(kind) if cls.form == "class" else kind)
    return found


def _kinds(root: Body) -> list[list[Body]]:
    """Bodies of one kind together, after those of the modules in them. A kind that contains itself is cut by height."""
    inner: dict[int, list[Body]] = {}
    height: dict[int, int] = {}
    below: dict[int, frozenset[str]] = {}
    bodies: list[Body] = []

    def visit(body: Body) -> None:
        if id(body) not in inner:
            inner[id(body)] = list(instances(body.program))
            for other in inner[id(body)]:
                visit(other)
            height[id(body)] = 1 + max((height[id(other)] for other in inner[id(body)]), default=0)
            below[id(body)] = frozenset().union(
                *({other.kind} | below[id(other)] for other in inner[id(body)])
            )
            bodies.append(body)

    visit(root)
    cyclic = {body.kind for body in bodies if body.kind in below[id(body)]}
    groups: dict[Hashable, list[Body]] = {}
    key = {
        id(body): (
            body.kind,
            body.form,
            height[id(body)] if body.kind in cyclic else 0,
            body is root,
        )
        for body in bodies
    }
    for body in bodies:
        groups.setdefault(key[id(body)], []).append(body)
    ordered: dict[Hashable, list[Body]] = {}

    def place(group: Hashable) -> None:
        if group not in ordered:
            for other in {
                key[id(other)]: None for body in groups[group] for other in inner[id(body)]
            }:
                place(other)
            ordered[group] = groups[group]

    place(key[id(root)])
    return list(ordered.values())


def _split(bodies: list[Body], of: Classes) -> Iterator[Class]:
    """As few classes as read well: of what can be aligned, else of what has the same modules, else of each alone."""
    groups: list[list[Body]] = []
    for body in sorted(bodies, key=lambda body: -len(body.program.statements)):
        fitting = (group for group in groups if align(group[0].program, body.program))
        group = next(fitting, None)
        if group is None:
            groups.append([body])
        else:
            group.append(body)
    order = {id(body): i for i, body in enumerate(bodies)}
    groups = [sorted(group, key=lambda body: order[id(body)]) for group in groups]
    for group in sorted(groups, key=lambda group: order[id(group[0])]):
        yield from _classes(group, of, (lambda body: _skeleton(body.program, of), id))


def _classes(
    bodies: Sequence[Body], of: Classes, cuts: Sequence[Callable[[Body], Hashable]]
) -> Iterator[Class]:
    try:
        yield _class(bodies, of)
    except UnalikeError:
        parts: dict[Hashable, list[Body]] = {}
        for body in bodies:
            parts.setdefault(cuts[0](body), []).append(body)
        for part in parts.values():
            yield from _classes(part, of, cuts[1:])


def _skeleton(program: Program, of: Classes) -> Hashable:
    """What a program runs, without any arguments."""
    terms = Generaliser(of)
    return tuple(
        (statement.path, terms.skeleton(statement.term))
        if isinstance(statement, Apply)
        else _skeleton(statement.body, of)
        if isinstance(statement, Loop)
        else None
        for statement in program.statements
    )


# --- one class ---


def _class(bodies: Sequence[Body], of: Classes) -> Class:
    """Raises UnalikeError where nobody would write these as one class."""
    template = max((body.program for body in bodies), key=lambda program: len(program.statements))
    slots = _slots(template, [body.program for body in bodies], of)
    solver = Solver([body.channels for body in bodies])
    cls = Class(bodies, slots, template, solver)
    patterns = cls.patterns()
    found = [hole for pattern in patterns for hole in holes(pattern)]
    for hole in found:
        if None not in hole.values:
            solver.solve(hole)
    _find_tests(slots, solver)
    for part in (part for pattern in patterns for part in walk(pattern)):
        if isinstance(part, Choice):
            cls.tests[part] = _choice_tests(part, solver)
    for hole in found:
        if None in hole.values:
            solver.solve(hole)
    return cls


def _slots(
    template: Program, programs: Sequence[Program], of: Classes, *, looped: bool = False
) -> tuple[Slot, ...]:
    alignments = [align(template, program) for program in programs]
    if None in alignments:
        raise UnalikeError
    columns = [alignment.statements for alignment in alignments if alignment]
    found = []
    for i, (statement, *column) in enumerate(zip(template.statements, *columns, strict=True)):
        slot = Slot(statement)
        if None in column:
            slot.present = tuple(one is not None for one in column)
            fallbacks = {
                a.fallbacks.get(i)
                for a, is_there in zip(alignments, slot.present, strict=True)
                if a and not is_there
            }
            if len(fallbacks) > 1 or isinstance(statement, Loop):
                raise UnalikeError
            slot.fallback = fallbacks.pop()
        if isinstance(statement, Apply):
            terms = [cast(Apply, one).term if one else None for one in column]
            slot.pattern = Generaliser(of).pattern(terms, statement.path[-1].at(), looped=looped)
        elif isinstance(statement, Loop):
            slot.inner = _slots(
                statement.body, [cast(Loop, one).body for one in column], of, looped=True
            )
        found.append(slot)
    for present, run in groupby(found, key=lambda slot: slot.present):
        if present is not None:
            _set_optional(list(run))
    return tuple(found)


def _set_optional(run: list[Slot]) -> None:
    """How slots that are present together are left out: only what the last of them makes is taken from elsewhere."""
    *others, last = run
    if last.fallback is None or any(slot.fallback is not None for slot in others):
        raise UnalikeError
    if isinstance(last.statement, Apply) and not others:
        last.optional = "identity" if last.fallback == last.statement.source else "none"
    else:
        for slot in run:
            slot.optional = "flag"


def _find_tests(slots: Iterable[Slot], solver: Solver) -> None:
    known: dict[Mask, ast.expr] = {}
    for slot in slots:
        if slot.present is not None:
            if slot.present not in known:
                known[slot.present] = solver.test(
                    slot.present, (True,) * len(slot.present), _member(slot.statement)
                )
            slot.test = known[slot.present]


def _member(statement: Statement) -> str:
    match statement:
        case Apply(path=path):
            return path[-1].at()
        case Merge(kind="mul"):
            return "scale"
        case _:
            return "residual"


def _choice_tests(choice: Choice, solver: Solver) -> list[ast.expr]:
    """A test for each option but the last."""
    tests = []
    for i, (chosen, _) in enumerate(choice.options[:-1]):
        among = tuple(map(any, zip(*(mask for mask, _ in choice.options[i:]), strict=True)))
        tests.append(solver.test(chosen, among, None))
    return tests
