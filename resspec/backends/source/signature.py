"""The parameters of a class: the variables of its declaration that its code computes with, under
names of Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from resspec.backends.source.classes import Arms, EmittedClass
from resspec.ir.formulas import (
    ENTERING, STRIDE, Binary, FormulaValue, Variable, plain, substitute, variables,
)  # fmt: skip
from resspec.backends.source.syntax import FORMULAS, LOCALS, Names, formula_text
from resspec.backends.source.terms import knowns
from resspec.ir.ops.layer import Ramp

_OFTEN = 3  # times that a formula is written before it gets a name


@dataclass(frozen=True)
class ConstructorParameter:
    """A parameter of a constructor, with its value for each body; `default` is None where it has
    none.
    """

    variable: str
    name: str
    default: Any
    values: tuple[Any, ...]

    @property
    def annotation(self) -> str:
        kinds = {
            "float" if isinstance(value, Ramp) else type(value).__name__ for value in self.values
        }
        words = [word if word != "tuple" else "tuple[int, int]" for word in sorted(kinds)]
        return " | ".join(words)


class Signature:
    """The parameters and local names of a class, and expressions of them."""

    def __init__(self, cls: EmittedClass, taken: Iterable[str], *, is_root: bool) -> None:
        self.cls, self.is_root = cls, is_root
        self.level = cls.template.level
        self.names = Names({*LOCALS, *taken})
        self.locals: list[str] = []
        self._meaning: dict[str, Any] = {}
        self.parameters = sorted(self._parameters(), key=lambda p: p.default is not None)

    def formula(self, known: FormulaValue) -> Any:
        """Return a constant, or a formula of parameters and local names."""
        return substitute(plain(known.formula), self._mean)

    def test(self, arms: Arms, among: Arms) -> str:
        """Return a condition that holds in these arms of the shortcut option, among those that are
        left.
        """
        stride = self.formula(FormulaValue(1, Variable(STRIDE)))
        entering, leaving = FormulaValue(1, Variable(ENTERING)), self.level.leaving
        never = isinstance(stride, int) or (self.level.widens and "change" not in among)
        match sorted(arms):
            case ["change"] if self.level.widens and not never:
                return f"{formula_text(stride)} != 1"
            case ["same", "widen"]:
                return f"{formula_text(stride)} == 1"
            case ["same"]:
                strides, join, changes = "==", "and", "=="
            case ["widen"]:
                strides, join, changes = "==", "and", "!="
            case ["change", "same"] if self.level.widens:
                strides, join, changes = "!=", "or", "=="
            case _:
                strides, join, changes = "!=", "or", "!="
        sides = [formula_text(self.formula(known)) for known in (entering, leaving)]
        changing = f" {changes} ".join(sides)
        return changing if never else f"{formula_text(stride)} {strides} 1 {join} {changing}"

    def with_locals(self, body: list[str]) -> list[str]:
        """Return statements with the local names before them, also for a formula that they write
        often.
        """
        text, assigned = "\n".join(body), list(self.locals)
        leaving = formula_text(self.formula(self.cls.template.channels[1]))
        formulas = {part for known in self._knowns() for part in _parts(self.formula(known))}
        for formula in sorted([each for each in formulas if each in text], key=text.index):
            if text.count(formula) >= _OFTEN and not self.is_root:
                local = self.names.new(FORMULAS[formula != leaving])
                assigned.append(f"{local} = {formula}")
                text = text.replace(formula, local)
        return [*assigned, *text.split("\n")]

    def _parameters(self) -> Iterator[ConstructorParameter]:
        bodies, level = self.cls.bodies, self.level
        used = {
            variable
            for known in self._knowns()
            for variable in variables(level.expanded(known.formula))
        }
        fixed = {variable for body in bodies for variable in body.level.fixed}
        order = sorted(
            dict.fromkeys([ENTERING, *level.names, *level.values]), key=lambda name: name == STRIDE
        )
        for variable in order:
            if variable not in used:
                continue
            values = tuple([body.level.values.get(variable, 0.0) for body in bodies])
            default = plain(level.defaults[variable].value) if variable in level.defaults else None
            if variable == STRIDE:
                default = 1
            elif any(variable not in body.level.values for body in bodies):
                default = 0.0  # of a path that is not there
            is_same = all(value == values[0] for value in values)
            if is_same and (variable in fixed or (values[0] == default and not self.is_root)):
                self._meaning[variable] = values[0]
                continue
            words = {ENTERING: "in_channels", STRIDE: "stride"}
            text = self.names.new(words.get(variable, variable.partition(":")[0]))
            self._meaning[variable] = Variable(text)
            yield ConstructorParameter(variable, text, default, values)

    def _knowns(self) -> Iterator[FormulaValue]:
        for term in self.cls.terms():
            yield from knowns(term)
        if len(self.cls.models) > 1:
            yield from (
                FormulaValue(None, Variable(ENTERING)),
                FormulaValue(None, Variable(STRIDE)),
                self.level.leaving,
            )

    def _mean(self, variable: str) -> Any:
        """Return what stands for a variable: a parameter, a constant, or a local name."""
        if variable not in self._meaning and variable in self.level.lets:
            formula = substitute(self.level.lets[variable].formula, self._mean)
            if isinstance(formula, Binary):
                local = self.names.new(variable)
                self.locals.append(f"{local} = {formula_text(formula)}")
                formula = Variable(local)
            self._meaning[variable] = formula
        return self._meaning.get(variable)


def _parts(formula: Any) -> Iterator[str]:
    """Yield the texts of a formula and of those in it."""
    if isinstance(formula, Binary):
        yield formula_text(formula)
        yield from _parts(formula.left)
        yield from _parts(formula.right)
