"""The parameters of a class: the variables of its declaration that its code computes with, under names of Python."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from resspec.backends.source.classes import Arms, Class
from resspec.ir.formulas import (
    ENTERING, STRIDE, Binary, Known, Variable, plain, substitute, variables,
)  # fmt: skip
from resspec.backends.source.syntax import (
    FORMULAS, LOCALS, Names, assign, binary, compare, constant, is_same, name,
)  # fmt: skip
from resspec.backends.source.terms import knowns
from resspec.ir.ops.layer import Ramp

_OFTEN = 3  # times that a formula is written before it gets a name


@dataclass(frozen=True)
class Parameter:
    """A parameter of a constructor, with its value for each body; `default` is None where it has none."""

    variable: str
    name: str
    default: Any
    values: tuple[Any, ...]

    @property
    def annotation(self) -> ast.expr:
        kinds = {
            "float" if isinstance(value, Ramp) else type(value).__name__ for value in self.values
        }
        words = [word if word != "tuple" else "tuple[int, int]" for word in sorted(kinds)]
        return ast.parse(" | ".join(words), mode="eval").body


class Signature:
    """The parameters and local names of a class, and expressions of them."""

    def __init__(self, cls: Class, taken: Iterable[str], *, is_root: bool) -> None:
        self.cls, self.is_root = cls, is_root
        self.level = cls.template.level
        self.names = Names({*LOCALS, *taken})
        self.locals: list[ast.stmt] = []
        self._meaning: dict[str, Any] = {}
        self.parameters = sorted(self._parameters(), key=lambda p: p.default is not None)

    def written(self, known: Known) -> Any:
        """Return a constant, or an expression of parameters and local names."""
        return _expression(substitute(plain(known.formula), self._mean))

    def test(self, arms: Arms, among: Arms) -> ast.expr:
        """Return an expression that holds in these arms of the shortcut option, among those that are left."""
        level, one = self.level, constant(1)
        stride = self.written(Known(1, Variable(STRIDE)))
        entering = as_ast(self.written(Known(1, Variable(ENTERING))))
        leaving = as_ast(self.written(level.leaving))
        never = not isinstance(stride, ast.expr) or (level.widens and "change" not in among)
        match sorted(arms):
            case ["change"] if level.widens and not never:
                return compare(stride, "!=", one)
            case ["same", "widen"]:
                return compare(stride, "==", one)
            case ["same"]:
                strides, changes = "==", "=="
            case ["widen"]:
                strides, changes = "==", "!="
            case ["change", "same"] if level.widens:
                strides, changes = "!=", "=="
            case _:
                strides, changes = "!=", "!="
        changing = compare(entering, changes, leaving)
        both = ast.And() if strides == "==" else ast.Or()
        return changing if never else ast.BoolOp(both, [compare(stride, strides, one), changing])

    def with_locals(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Return the statements with the local names before them, also for a formula that they write often."""
        found = list(_formulas(body, {parameter.name for parameter in self.parameters}))
        formulas = {ast.dump(node): node for node in found}
        often = (
            []
            if self.is_root
            else [formulas[key] for key, n in Counter(map(ast.dump, found)).items() if n >= _OFTEN]
        )
        leaving = self.written(self.cls.template.channels[1])
        assigned = [*self.locals]
        for formula in often:
            wanted = (
                FORMULAS[0]
                if isinstance(leaving, ast.expr) and is_same(formula, leaving)
                else FORMULAS[1]
            )
            local = self.names.new(wanted)
            assigned.append(assign(name(local), formula))
            body = [_Replaced(formula, local).visit(statement) for statement in body]
        return [*assigned, *body]

    def _parameters(self) -> Iterator[Parameter]:
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
            yield Parameter(variable, text, default, values)

    def _knowns(self) -> Iterator[Known]:
        for term in self.cls.terms():
            yield from knowns(term)
        if len(self.cls.models) > 1:
            yield from (
                Known(None, Variable(ENTERING)),
                Known(None, Variable(STRIDE)),
                self.level.leaving,
            )

    def _mean(self, variable: str) -> Any:
        """What stands for a variable: a parameter, a constant, or a local name."""
        if variable not in self._meaning and variable in self.level.lets:
            formula = substitute(self.level.lets[variable].formula, self._mean)
            if isinstance(formula, Binary):
                local = self.names.new(variable)
                self.locals.append(assign(name(local), _expression(formula)))
                formula = Variable(local)
            self._meaning[variable] = formula
        return self._meaning.get(variable)


def _expression(formula: Any) -> Any:
    match formula:
        case Variable(text):
            return name(text)
        case Binary(operator, left, right):
            return binary(as_ast(_expression(left)), operator, as_ast(_expression(right)))
        case _:
            return formula


def as_ast(value: Any) -> ast.expr:
    """Return an expression as it is, and a constant as one."""
    return value if isinstance(value, ast.expr) else constant(value)


def _formulas(body: list[ast.stmt], parameters: set[str]) -> Iterator[ast.BinOp]:
    """Products, parts and sums of parameters."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.BinOp) and parameters.issuperset(
                n.id for n in ast.walk(node) if isinstance(n, ast.Name)
            ):
                yield node


class _Replaced(ast.NodeTransformer):
    """Every occurrence of a formula by a name."""

    def __init__(self, formula: ast.expr, local: str) -> None:
        self.formula = formula
        self.local = local

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        return name(self.local) if is_same(node, self.formula) else self.generic_visit(node)
