"""The parameters of a class: the variables of its declaration that its code computes with, under
names of Python.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from resspec.backends.source.classes import Arms, EmittedClass
from resspec.backends.source.layout import Code
from resspec.backends.source.syntax import FORMULAS, LOCALS, Names, formula_text, literal
from resspec.backends.source.terms import knowns
from resspec.ir.formulas import (
    ENTERING,
    STRIDE,
    Binary,
    FormulaValue,
    Variable,
    substitute,
    variables,
)
from resspec.ir.ops.layer import Ramp, plain

_OFTEN = 3  # times that a formula is needed before it gets a name
# The comparison of the entering channels with the leaving ones that holds in these arms of a
# shortcut option, where the stride is 1.
_COMPARISONS = {
    frozenset({"same"}): "==",
    frozenset({"widen"}): "<",
    frozenset({"narrow"}): ">",
    frozenset({"same", "widen"}): "<=",
    frozenset({"same", "narrow"}): ">=",
    frozenset({"widen", "narrow"}): "!=",
}


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
    def code(self) -> Code:
        """Its declaration, `stride: int = 1`."""
        kinds = {
            "float" if isinstance(value, Ramp) else type(value).__name__ for value in self.values
        }
        words = [word if word != "tuple" else "tuple[int, int]" for word in sorted(kinds)]
        default = "" if self.default is None else f" = {literal(self.default)}"
        return Code(f"{self.name}: {' | '.join(words)}{default}")


class Signature:
    """The parameters and local names of a class, and expressions of them."""

    def __init__(self, cls: EmittedClass, taken: Iterable[str], *, is_root: bool) -> None:
        self.cls, self.is_root = cls, is_root
        self.level = cls.template.level
        self.names = Names({*LOCALS, *taken})
        self.locals: list[Code] = []  # their assignments
        self._meaning: dict[str, Any] = {}
        self._often: dict[Any, Variable] = {}
        self.parameters = sorted(self._parameters(), key=lambda p: p.default is not None)
        self.channels = list(map(self.formula, cls.template.channels))  # without local names
        self._name_formulas()

    def formula(self, known: FormulaValue) -> Any:
        """Return a constant, or a formula of parameters and local names."""
        return self._shortened(substitute(plain(known.formula), self._mean))

    def text(self, known: FormulaValue) -> str:
        return formula_text(self.formula(known))

    def test(self, arms: Arms, among: Arms) -> str:
        """Return a condition that holds in these arms of the shortcut option, among those that are
        left.
        """
        stride, entering, leaving = map(self.text, self._tested())
        own, covered = self.level.arms, set(arms)
        if "widen" not in own and "change" in covered:
            covered.add("widen")
        if "narrow" not in own and "widen" in covered:
            covered.add("narrow")

        is_strided = "change" in covered
        of_stride = f"{stride} != 1" if is_strided else f"{stride} == 1"
        comparison = _COMPARISONS.get(frozenset(covered - {"change"}))
        if comparison is None:
            return of_stride
        of_channels = f"{entering} {comparison} {leaving}"
        if stride == "1" or ("widen" in own and "change" not in among):
            return of_channels
        return f"{of_stride} {'or' if is_strided else 'and'} {of_channels}"

    def _parameters(self) -> Iterator[ConstructorParameter]:
        bodies, level = self.cls.bodies, self.level
        used = set[str]()
        for known in self._knowns():
            used.update(variables(level.expanded(known.formula)))
        fixed = set[str]().union(*(body.level.fixed for body in bodies))
        order = dict.fromkeys([ENTERING, *level.names, *level.values])
        order.pop(STRIDE, None)
        for variable in (*order, STRIDE):
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
            yield from self._tested()

    def _tested(self) -> tuple[FormulaValue, FormulaValue, FormulaValue]:
        """Return what the shortcut option looks at: the stride, and the channels on both sides."""
        entering, stride = Variable(ENTERING), Variable(STRIDE)
        return FormulaValue(None, stride), FormulaValue(None, entering), self.level.leaving

    # --- local names ---

    def _mean(self, variable: str) -> Any:
        """Return what stands for a variable: a parameter, a constant, or a local name."""
        if variable not in self._meaning and variable in self.level.lets:
            formula = substitute(self.level.lets[variable].formula, self._mean)
            if isinstance(formula, Binary):
                formula = self._local(variable, formula)
            self._meaning[variable] = formula
        return self._meaning.get(variable)

    def _name_formulas(self) -> None:
        """Give local names to formulas that are needed often; in a network's constructor, which
        computes less, only to divisions.
        """
        counts = Counter(part for known in self._knowns() for part in _parts(self.formula(known)))
        for formula in list(counts):
            times = counts[formula]
            if times < _OFTEN or (self.is_root and formula.operator != "//"):
                continue
            _, *inside = _parts(formula)
            for part in inside:  # which the new name computes once
                counts[part] -= times - 1
            is_leaving = formula == self.channels[1]
            name = "channels" if self.is_root else FORMULAS[not is_leaving]
            self._often[formula] = self._local(name, self._shortened(formula))

    def _local(self, name: str, formula: Binary) -> Variable:
        local = self.names.new(name)
        self.locals.append(Code(f"{local} = {formula_text(formula)}"))
        return Variable(local)

    def _shortened(self, formula: Any) -> Any:
        """Return a formula with local names in place of its parts."""
        match formula:
            case Binary() if formula in self._often:
                return self._often[formula]
            case Binary(operator, left, right):
                return Binary(operator, self._shortened(left), self._shortened(right))
            case _:
                return formula


def _parts(formula: Any) -> Iterator[Binary]:
    """Yield a formula and all formulas in it."""
    if isinstance(formula, Binary):
        yield formula
        yield from _parts(formula.left)
        yield from _parts(formula.right)
