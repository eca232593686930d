"""Bodies to classes: those of one declaration are one class where the same formulas give the
numbers of all of them.

Nothing is searched for: a body joins a class if the formulas of the class, for the body's own
variables, give what stands in its part of the tree. Only the arms of a shortcut option may differ:
whether a statement is there, and what it runs, then depends on the stride and the channels, as the
option does.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from resspec.backends.source.terms import (
    ModuleBody,
    ModuleCall,
    ParameterOperand,
    Term,
    TorchLayer,
    knowns,
    leaves,
)
from resspec.ir.formulas import ENTERING, STRIDE, evaluate
from resspec.ir.ops.layer import plain
from resspec.passes.alignment import Alignment, align
from resspec.passes.call_levels import arm_of
from resspec.passes.schedule import (
    ApplyStatement,
    LoopStatement,
    MergeStatement,
    Schedule,
    Statement,
    contents,
)

Arms = frozenset[str]  # of a shortcut option: same, widen, narrow, change


@dataclass(eq=False)
class EmittedStatement:
    """A statement of a class.

    Attributes:
        statement: The statement, as in the class's longest body.
        options: What it runs, and in which arms of the shortcut option.
        inner: The statements of a loop.
        present: The arms that have it.
        fallback: The value used in place of its result in the other arms, if anything reads it.
        optional: What takes its place in the other arms: an identity, nothing, or a flag.
    """

    statement: Statement
    options: list[tuple[Arms, Term]] = field(default_factory=list)
    inner: tuple[EmittedStatement, ...] = ()
    present: Arms = frozenset()
    fallback: int | None = None
    optional: Literal["identity", "none", "flag"] | None = None

    @property
    def term(self) -> Term | None:
        """The module that it runs in every arm."""
        return self.options[0][1] if len(self.options) == 1 else None

    @property
    def operand(self) -> ParameterOperand | None:
        """The parameter of the module that it applies, where it runs no module."""
        return self.term.operand if isinstance(self.term, TorchLayer) else None


def runs(slots: Iterable[EmittedStatement]) -> Iterator[list[EmittedStatement]]:
    """Yield slots one by one, but those under one flag together."""

    def flag(slot: EmittedStatement) -> Arms | EmittedStatement:
        return slot.present if slot.optional == "flag" else slot

    for _, run in groupby(slots, flag):
        yield list(run)


@dataclass(eq=False)
class EmittedClass:
    """A class of the emitted file, or a function that returns a row. `models`: a body for each arm,
    the longest first.
    """

    bodies: list[ModuleBody]
    models: list[ModuleBody]
    slots: tuple[EmittedStatement, ...]
    name: str = ""

    @property
    def template(self) -> ModuleBody:
        return self.models[0]

    @property
    def is_row(self) -> bool:
        return self.template.is_row

    @property
    def arms(self) -> Arms:
        return frozenset([model.level.arm for model in self.models])

    def terms(self) -> Iterator[Term]:
        """Yield what all statements run, those in loops too."""
        yield from _terms(self.slots)


def _terms(slots: Iterable[EmittedStatement]) -> Iterator[Term]:
    for slot in slots:
        for _, term in slot.options:
            yield term
        yield from _terms(slot.inner)


def classify(bodies: Iterable[ModuleBody]) -> list[EmittedClass]:
    """Return the classes of a network, each after those that it uses; the network's own is the
    last.
    """
    found: dict[tuple[str, bool], list[EmittedClass]] = {}
    *others, root = bodies
    for body in others:
        known = found.setdefault((body.kind, body.is_row), [])
        if not any(_joins(cls, body) for cls in known):
            known.append(_alone(body))
    placed: list[EmittedClass] = []
    _place(_alone(root), placed, set())
    return placed


def _place(cls: EmittedClass, placed: list[EmittedClass], opened: set[EmittedClass]) -> None:
    opened.add(cls)
    for model in cls.models:
        for leaf in leaves(model.program):
            if not isinstance(leaf, ModuleCall):
                continue
            inner = leaf.body.family
            assert isinstance(inner, EmittedClass)
            if inner not in opened:
                _place(inner, placed, opened)
    placed.append(cls)


def _alone(body: ModuleBody) -> EmittedClass:
    slots = _slots([body])
    assert slots is not None
    body.family = EmittedClass([body], [body], slots)
    return body.family


def _joins(cls: EmittedClass, body: ModuleBody) -> bool:
    """Make the body one of the class, if it fits."""
    models, slots, unchecked = cls.models, cls.slots, [body]
    if body.level.arm not in cls.arms:
        models = sorted([*models, body], key=lambda model: -len(model.program.statements))
        found = _slots(models)
        if found is None:
            return False
        slots, unchecked = found, [*cls.bodies, body]
    if not all(_fits(models, each) for each in unchecked):
        return False
    cls.models, cls.slots = models, slots
    cls.bodies.append(body)
    body.family = cls
    return True


def _fits(models: list[ModuleBody], body: ModuleBody) -> bool:
    """Return whether the model of the body's arm gives the body, and whether the first model's
    tests and formulas lead to it.
    """
    template = models[0]
    model = next(model for model in models if model.level.arm == body.level.arm)
    if not _gives(model, model.program, body.program, body):
        return False
    return len(models) == 1 or (_is_in_arm(template, body) and _holds(template, body))


def _gives(model: ModuleBody, formulas: Content, numbers: Content, body: ModuleBody) -> bool:
    """Return whether the formulas of a model give the body's numbers."""
    if _comparable(formulas) != _comparable(numbers):
        return False
    pairs = zip(knowns(formulas), knowns(numbers), strict=True)
    values, level = body.level.values, model.level
    return all(
        plain(evaluate(level.expanded(a.formula), values)) == plain(b.value) for a, b in pairs
    )


# --- arms ---


def _is_in_arm(template: ModuleBody, body: ModuleBody) -> bool:
    """Return whether the template's tests lead to the arm that the body has."""
    level, values = template.level, body.level.values
    stride, entering = values.get(STRIDE), values.get(ENTERING)
    leaving = evaluate(level.expanded(level.leaving.formula), values)
    if stride is None or entering is None or leaving != body.level.leaving.value:
        return False
    return body.level.arm == arm_of(level.arms, stride, entering, leaving)


def _holds(template: ModuleBody, body: ModuleBody) -> bool:
    """Return whether the template's formulas give the numbers of what all arms have."""
    alignment = _aligned(template, body)
    if alignment is None:
        return False
    pairs = zip(template.program.statements, alignment.statements, strict=True)
    return all(
        _is_optional(a, template) or _gives(template, _content(a), _content(b), body)
        for a, b in pairs
    )


Content = Schedule | Term | None


def _content(statement: Statement | None) -> Content:
    match statement:
        case ApplyStatement(what=content) | LoopStatement(body=content):
            return content
        case _:
            return None


def _comparable(content: Content) -> Hashable:
    return contents(content) if isinstance(content, Schedule) else content


def _aligned(template: ModuleBody, body: ModuleBody) -> Alignment | None:
    return align(template.program, body.program, lambda each: _is_optional(each, template))


def _is_optional(statement: Statement, body: ModuleBody) -> bool:
    """Return whether only some arms of the shortcut option may have it: the shortcut, the sum, a
    path that drops.
    """
    match statement:
        case ApplyStatement(number=number):
            return number in body.optional
        case MergeStatement(residual=residual):
            return residual is not None
        case _:
            return False


def _slots(models: list[ModuleBody]) -> tuple[EmittedStatement, ...] | None:
    """Return the statements of a class; None where they differ in more than the arms."""
    template = models[0]
    slots = [_slot(statement) for statement in template.program.statements]
    for model in models:
        alignment = _aligned(template, model)
        if alignment is None:
            return None
        for i, (slot, other) in enumerate(zip(slots, alignment.statements, strict=True)):
            if other is None:
                fallback = alignment.fallbacks.get(i)
                if slot.fallback not in (None, fallback):
                    return None
                slot.fallback = fallback
                continue
            slot.present |= {model.level.arm}
            is_option = _is_optional(other, model) or model is template
            if isinstance(other, ApplyStatement) and is_option:
                _add_option(slot, model.level.arm, other.what)
    parameters = (_is_parameter(slot) for slot in slots if slot.term is None)
    return tuple(slots) if not any(parameters) and _set_optional(slots, len(models)) else None


def _is_parameter(slot: EmittedStatement) -> bool:
    return any(isinstance(term, TorchLayer) and term.operand for _, term in slot.options)


def _add_option(slot: EmittedStatement, arm: str, term: Term) -> None:
    formulas = [known.formula for known in knowns(term)]
    for i, (arms, other) in enumerate(slot.options):
        if other == term and [known.formula for known in knowns(other)] == formulas:
            slot.options[i] = (arms | {arm}, other)
            return
    slot.options.append((frozenset([arm]), term))


def _slot(statement: Statement, *, in_loop: bool = False) -> EmittedStatement:
    inner = statement.body.statements if isinstance(statement, LoopStatement) else ()
    slot = EmittedStatement(statement, inner=tuple([_slot(each, in_loop=True) for each in inner]))
    if in_loop and isinstance(statement, ApplyStatement):
        slot.options.append((frozenset([""]), statement.what))
    return slot


def _set_optional(slots: list[EmittedStatement], count: int) -> bool:
    """Choose how slots that are there together are left out: only what the last of them makes is
    taken from elsewhere.
    """
    for present, group in groupby(slots, lambda slot: slot.present):
        *others, last = group
        if len(present) == count:
            continue
        if last.fallback is None or any(slot.fallback is not None for slot in others):
            return False
        if isinstance(last.statement, ApplyStatement) and not others and not last.operand:
            last.optional = "identity" if last.fallback == last.statement.source else "none"
        else:
            for slot in (*others, last):
                slot.optional = "flag"
    return True
