"""Bodies to classes: those of one declaration are one class where the same formulas give the
numbers of all of them.

Nothing is searched for: a body joins a class if the formulas of the class, for the body's own
variables, give what stands in its part of the tree. Only the arms of a shortcut option may differ:
whether a statement is there, and what it runs, then depends on the stride and the channels, as the
option does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from resspec.ir.formulas import ENTERING, STRIDE, evaluate, plain
from resspec.backends.source.terms import (
    ModuleBody,
    ModuleCall,
    ParameterOperand,
    Term,
    TorchLayer,
    knowns,
    leaves,
)
from resspec.passes.alignment import Alignment, align
from resspec.passes.schedule import (
    ApplyStatement,
    LoopStatement,
    MergeStatement,
    Schedule,
    Statement,
    contents,
)

Arms = frozenset[str]  # of a shortcut option: same, widen, change


@dataclass(eq=False)
class EmittedStatement:
    """A statement of a class. `options`: what it runs, and in which arms of the shortcut option.
    Where some arms do not have it, the value `fallback` is taken for what it makes, where anybody
    reads that.
    """

    statement: Statement
    options: list[tuple[Arms, Term]] = field(default_factory=list)
    inner: tuple[EmittedStatement, ...] = ()
    present: Arms = frozenset()
    fallback: int | None = None
    optional: Literal["identity", "none", "flag"] | None = (
        None  # what stands in the place of what is not there
    )

    @property
    def term(self) -> Term | None:
        """The module that it runs in every arm."""
        return self.options[0][1] if len(self.options) == 1 else None


def operand_of(slot: EmittedStatement) -> ParameterOperand | None:
    """Return how a statement applies a parameter of the module, None where it runs a module."""
    return slot.term.operand if isinstance(slot.term, TorchLayer) else None


def runs(slots: Iterable[EmittedStatement]) -> Iterator[list[EmittedStatement]]:
    """Yield slots one by one, but those under one flag together."""
    for _, run in groupby(
        slots, lambda slot: slot.present if slot.optional == "flag" else id(slot)
    ):
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
    model = next((model for model in cls.models if model.level.arm == body.level.arm), None)
    if model is not None:
        is_same = contents(model.program) == contents(body.program)
        if not is_same or not _gives(model, model.program, body.program, body):
            return False
        if len(cls.models) > 1 and not _is_in_arm(cls.template, body):
            return False
        if cls.template is not model and not _holds(cls.template, body):
            return False
    else:
        models = sorted([*cls.models, body], key=lambda model: -len(model.program.statements))
        slots = _slots(models)
        if slots is None:
            return False
        if not all(
            _is_in_arm(models[0], each) and _holds(models[0], each) for each in (*cls.bodies, body)
        ):
            return False
        cls.models, cls.slots = models, slots
    cls.bodies.append(body)
    body.family = cls
    return True


def _gives(
    model: ModuleBody, formulas: Schedule | Term, numbers: Schedule | Term, body: ModuleBody
) -> bool:
    """Return whether the formulas of a model give the body's numbers; all else is the same."""
    pairs = zip(knowns(formulas), knowns(numbers), strict=True)
    values, level = body.level.values, model.level
    return all(
        plain(evaluate(level.expanded(a.formula), values)) == plain(b.value) for a, b in pairs
    )


# --- arms ---


def _is_in_arm(template: ModuleBody, body: ModuleBody) -> bool:
    """Return whether the template's tests lead to the arm that the body has."""
    level, values = template.level, body.level.values
    if values.get(STRIDE) is None or values.get(ENTERING) is None:
        return False
    leaving = evaluate(level.expanded(level.leaving.formula), values)
    widens = leaving != values[ENTERING]
    arm = (
        "change"
        if values[STRIDE] != 1
        else ("widen" if level.widens else "change")
        if widens
        else "same"
    )
    return body.level.arm == arm and leaving == body.level.leaving.value


def _holds(template: ModuleBody, body: ModuleBody) -> bool:
    """Return whether the template's formulas give the numbers of what all arms have."""
    alignment = _aligned(template, body)
    if alignment is None:
        return False
    for statement, other in zip(template.program.statements, alignment.statements, strict=True):
        match statement, other:
            case ApplyStatement(what=a), ApplyStatement(what=b):
                is_same = a == b and _gives(template, a, b, body)
                if not is_same and not _is_optional(statement, template):
                    return False
            case LoopStatement(body=a), LoopStatement(body=b):
                if not _gives(template, a, b, body):
                    return False
            case _:
                pass
    return True


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
            if other is not None:
                slot.present |= {model.level.arm}
                if isinstance(other, ApplyStatement) and (
                    _is_optional(other, model) or model is template
                ):
                    _add_option(slot, model.level.arm, other.what)
                continue
            fallback = alignment.fallbacks.get(i)
            if slot.fallback is not None and slot.fallback != fallback:
                return None
            slot.fallback = fallback
    if any(len(slot.options) > 1 and any(map(_is_parameter, slot.options)) for slot in slots):
        return None
    return tuple(slots) if _set_optional(slots, len(models)) else None


def _is_parameter(option: tuple[Arms, Term]) -> bool:
    return isinstance(option[1], TorchLayer) and option[1].operand is not None


def _add_option(slot: EmittedStatement, arm: str, term: Term) -> None:
    for i, (arms, other) in enumerate(slot.options):
        if other == term and [a.formula for a in knowns(other)] == [
            b.formula for b in knowns(term)
        ]:
            slot.options[i] = (arms | {arm}, other)
            return
    slot.options.append((frozenset([arm]), term))


def _slot(statement: Statement) -> EmittedStatement:
    match statement:
        case LoopStatement(body=body):
            return EmittedStatement(
                statement, inner=tuple([_in_loop(each) for each in body.statements])
            )
        case _:
            return EmittedStatement(statement)


def _in_loop(statement: Statement) -> EmittedStatement:
    slot = _slot(statement)
    if isinstance(statement, ApplyStatement):
        slot.options.append((frozenset([""]), statement.what))
    return slot


def _set_optional(slots: list[EmittedStatement], count: int) -> bool:
    """Choose how slots that are there together are left out: only what the last of them makes is
    taken from elsewhere.
    """
    for present, group in groupby(slots, lambda slot: slot.present):
        run = list(group)
        if len(present) == count:
            continue
        *others, last = run
        if last.fallback is None or any(slot.fallback is not None for slot in others):
            return False
        if isinstance(last.statement, ApplyStatement) and not others and not operand_of(last):
            last.optional = "identity" if last.fallback == last.statement.source else "none"
        else:
            for slot in run:
                slot.optional = "flag"
    return True
