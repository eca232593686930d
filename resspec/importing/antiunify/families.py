"""Bodies to families: bodies of one kind are one family where one declaration can serve all of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, cast

from resspec.importing.antiunify.parameters import FamilyParameter, Mask, Solver
from resspec.importing.antiunify.patterns import (
    ChoicePattern,
    Generalizer,
    Pattern,
    UnlikeError,
    holes,
    walk,
)
from resspec.importing.antiunify.terms import BlockBody, inner_bodies
from resspec.ir.formulas import Formula
from resspec.passes.alignment import align
from resspec.passes.schedule import (
    ApplyStatement,
    LoopStatement,
    MergeStatement,
    Schedule,
    Statement,
)


@dataclass(eq=False)
class FamilyStatement:
    """A statement of a family.

    Attributes:
        statement: As the longest body has it.
        pattern: What it runs.
        inner: Of a loop: its statements.
        present: The bodies that have it, where not all do.
        fallback: The value that is taken for what it makes, in those that do not.
        test: A condition that holds in those that have it.
    """

    statement: Statement
    pattern: Pattern | None = None
    inner: tuple[FamilyStatement, ...] = ()
    present: Mask | None = None
    fallback: int | None = None
    test: Formula | None = None


@dataclass(eq=False)
class Family:
    """Bodies that one declaration can stand for, and what it would say."""

    bodies: Sequence[BlockBody]
    statements: tuple[FamilyStatement, ...]
    solver: Solver
    tests: dict[ChoicePattern, list[Formula]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The name of the block."""
        return self.bodies[0].kind

    @property
    def parameters(self) -> list[FamilyParameter]:
        """The parameters that a declaration would have."""
        return self.solver.parameters

    def patterns(self) -> list[Pattern]:
        """Return the patterns of all statements, those in loops too."""
        return list(_patterns(self.statements))

    def values(self, index: int) -> dict[str, Any]:
        """Return the values that a formula has for a body, by the names of its variables."""
        known = (*self.parameters, self.solver.entering)
        return {p.name: p.values[index] for p in known}

    def arguments(self, body: BlockBody) -> Mapping[str, tuple[str, Any]]:
        """Return the role and the value of each parameter in a call."""
        index = next(i for i, each in enumerate(self.bodies) if each is body)
        return {p.name: (p.role, p.values[index]) for p in self.parameters}


Families = dict[BlockBody, Family]


def families(root: BlockBody) -> list[Family]:
    """Return the families of a network, each after those that it uses; the network's own is the
    last.
    """
    found: list[Family] = []
    of: Families = {}
    for bodies in _kinds(root):
        for family in _split(bodies, of):
            of.update((body, family) for body in family.bodies)
            found.append(family)
    return found


def _patterns(statements: Iterable[FamilyStatement]) -> Iterator[Pattern]:
    for each in statements:
        if each.pattern is not None:
            yield each.pattern
        yield from _patterns(each.inner)


def _kinds(root: BlockBody) -> list[list[BlockBody]]:
    """Bodies of one kind together, after those of the modules in them; a kind is cut by height."""
    height: dict[BlockBody, int] = {}

    def measure(body: BlockBody) -> int:
        if body not in height:
            inner = [measure(other) for other in inner_bodies(body.schedule)]
            height[body] = 1 + max(inner, default=0)
        return height[body]

    measure(root)
    groups: dict[tuple[int, str, bool], list[BlockBody]] = {}
    for body, level in height.items():
        groups.setdefault((level, body.kind, body is root), []).append(body)
    return [groups[key] for key in sorted(groups)]


def _split(bodies: list[BlockBody], of: Families) -> Iterator[Family]:
    """As few families as read well: of what can be aligned, else of what has the same modules, else
    of each alone.
    """
    groups: list[list[BlockBody]] = []
    for body in sorted(bodies, key=lambda body: -len(body.schedule.statements)):
        fitting = (group for group in groups if _is_part(group[0].schedule, body.schedule))
        group = next(fitting, None)
        if group is None:
            groups.append([body])
        else:
            group.append(body)
    order = {body: i for i, body in enumerate(bodies)}
    groups = [sorted(group, key=order.__getitem__) for group in groups]
    for group in sorted(groups, key=lambda group: order[group[0]]):
        yield from _families(group, of, (lambda body: _skeleton(body.schedule, of), id))


def _is_part(template: Schedule, other: Schedule) -> bool:
    return align(template, other, lambda _: True) is not None


def _families(
    bodies: Sequence[BlockBody], of: Families, cuts: Sequence[Callable[[BlockBody], Hashable]]
) -> Iterator[Family]:
    try:
        yield _family(bodies, of)
    except UnlikeError:
        parts: dict[Hashable, list[BlockBody]] = {}
        for body in bodies:
            parts.setdefault(cuts[0](body), []).append(body)
        for part in parts.values():
            yield from _families(part, of, cuts[1:])


def _skeleton(schedule: Schedule, of: Families) -> Hashable:
    """Return the contents of a schedule, without any numbers."""
    terms = Generalizer(of)
    found: list[Hashable] = []
    for statement in schedule.statements:
        match statement:
            case ApplyStatement(path=path, what=term):
                found.append((path, terms.skeleton(term)))
            case LoopStatement(body=body):
                found.append(_skeleton(body, of))
            case _:
                found.append(None)
    return tuple(found)


# --- one family ---


def _family(bodies: Sequence[BlockBody], of: Families) -> Family:
    """Raises UnlikeError where nobody would write these as one block."""
    schedules = [body.schedule for body in bodies]
    template = max(schedules, key=lambda schedule: len(schedule.statements))
    statements = _statements(template, schedules, of)
    solver = Solver([body.channels for body in bodies])
    family = Family(bodies, statements, solver)
    patterns = family.patterns()
    found = [hole for pattern in patterns for hole in holes(pattern)]
    for hole in found:
        if None not in hole.values:
            solver.solve(hole)
    _find_tests(statements, solver)
    for part in (part for pattern in patterns for part in walk(pattern)):
        if isinstance(part, ChoicePattern):
            family.tests[part] = _choice_tests(part, solver)
    for hole in found:
        if None in hole.values:
            solver.solve(hole)
    return family


def _statements(
    template: Schedule, schedules: Sequence[Schedule], of: Families
) -> tuple[FamilyStatement, ...]:
    alignments = [align(template, schedule, lambda _: True) for schedule in schedules]
    if None in alignments:
        raise UnlikeError
    known = [alignment for alignment in alignments if alignment]
    columns = zip(*[alignment.statements for alignment in known], strict=True)
    found = []
    for i, (statement, column) in enumerate(zip(template.statements, columns, strict=True)):
        each = FamilyStatement(statement)
        if None in column:
            each.present = tuple([one is not None for one in column])
            lacking = [a for a, one in zip(known, column, strict=True) if one is None]
            fallbacks = {alignment.fallbacks.get(i) for alignment in lacking}
            if len(fallbacks) > 1 or isinstance(statement, LoopStatement):
                raise UnlikeError
            each.fallback = fallbacks.pop()
        if isinstance(statement, ApplyStatement):
            terms = [cast(ApplyStatement, one).what if one else None for one in column]
            each.pattern = Generalizer(of).pattern(terms, statement.path[-1].at())
        elif isinstance(statement, LoopStatement):
            inner = [cast(LoopStatement, one).body for one in column]
            each.inner = _statements(statement.body, inner, of)
        found.append(each)
    _check_optional(found)
    return tuple(found)


def _check_optional(statements: Iterable[FamilyStatement]) -> None:
    """Raises UnlikeError unless of statements that are left out together only the last one's value
    is taken from elsewhere.
    """
    for present, run in groupby(statements, key=lambda each: each.present):
        *others, last = run
        if present is not None and (
            last.fallback is None or any(each.fallback is not None for each in others)
        ):
            raise UnlikeError


def _find_tests(statements: Iterable[FamilyStatement], solver: Solver) -> None:
    known: dict[Mask, Formula] = {}
    for each in statements:
        if each.present is not None:
            if each.present not in known:
                everywhere = (True,) * len(each.present)
                known[each.present] = solver.test(each.present, everywhere, _member(each.statement))
            each.test = known[each.present]


def _member(statement: Statement) -> str:
    match statement:
        case ApplyStatement(path=path):
            return path[-1].at()
        case MergeStatement(kind="mul"):
            return "scale"
        case _:
            return "residual"


def _choice_tests(choice: ChoicePattern, solver: Solver) -> list[Formula]:
    """Return a condition for each option but the last."""
    tests = []
    for i, (chosen, _) in enumerate(choice.options[:-1]):
        among = tuple(map(any, zip(*(mask for mask, _ in choice.options[i:]), strict=True)))
        tests.append(solver.test(chosen, among, None))
    return tests
