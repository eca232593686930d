"""From columns of numbers, one for each body, to constants, parameters, and formulas of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

from resspec.importing.fold.slots import UnlikeError
from resspec.importing.fold.terms import Body, Expr
from resspec.ir.ops import OPS
from resspec.lowering.functions import divisible

CHANNELS, RATIO, FLAG, KIND, COUNT = "channels", "ratio", "flag", "kind", "count"
Column = Sequence[Any]

_MOST_PARAMETERS = 9
_MOST_FLAGS = 3
_MOST = 64  # the largest factor or divisor of a formula
WORDS = {
    *"use let block shortcut network input stem stage stages head init replace expect".split(),
    *"preact residual after x in out stride index count true false if else".split(),
    *"sequential output min max ceil floor round divisible none add concat mul".split(),
}
TAKEN = WORDS | OPS.keys()  # names that no declaration or parameter can have


@dataclass(eq=False)
class Parameter:
    """A parameter of a block, with its value in each body; its default is often a constant."""

    name: str
    role: str
    values: list[Any]
    default: Any = None

    @property
    def expr(self) -> Expr:
        return Expr(self.name)


class Solver:
    """The parameters of one block."""

    def __init__(self, bodies: Sequence[Body], *, is_block: bool = True) -> None:
        self.count = len(bodies)
        self.is_block = is_block  # so that `in` has a value
        self.entering = [body.input.channels for body in bodies]
        self.leaving = [body.output.channels for body in bodies]
        self.strides = [body.stride for body in bodies]
        self.parameters: list[Parameter] = []
        self.reads_stride = False
        self.prefers: Sequence[Parameter] = ()  # over constants
        self._solved: list[tuple[str, Column, Any]] = []

    def solve(self, role: str, column: Column, wanted: Sequence[str]) -> Any:
        """Return the constant or formula of a column.

        Args:
            role: What the numbers are; those of one role can be one parameter.
            column: A value for each body, None where a body needs none.
            wanted: Names for a parameter, best first.

        Raises:
            UnlikeError: There are too many parameters.
        """
        if (found := self.known(role, column)) is not None:
            return found
        return self.parameter(role, column, wanted).expr

    def known(self, role: str, column: Column) -> Any:
        """Return the same without new parameters, None where it needs one."""
        found = self._known(role, column)
        if found is not None:
            self._solved.append((role, column, found))
        return found

    def parameter(self, role: str, column: Column, wanted: Sequence[str]) -> Parameter:
        """Return a new parameter with these values."""
        if role == CHANNELS and (ratios := self._ratios(column)):
            return self._expansion(ratios, column)
        if len(self.parameters) >= _MOST_PARAMETERS:
            raise UnlikeError
        if role == FLAG and sum(p.role == FLAG for p in self.parameters) >= _MOST_FLAGS:
            raise UnlikeError
        made = Parameter(self._free(wanted), role, list(column))
        self.parameters.append(made)
        self._solved.append((role, column, made.expr))
        return made

    def _expansion(self, ratios: list[Any], column: Column) -> Parameter:
        ratio = self.parameter(RATIO, ratios, ["expansion"])
        formula = Expr(f"{ratio.name} * in", 1)
        self._solved.append((CHANNELS, column, formula))
        return Parameter(formula.text, CHANNELS, list(column))

    def _ratios(self, column: Column) -> list[int] | None:
        """Return how many times wider than its input each body is there, where fewer numbers are
        enough for that.
        """
        if None in column or list(column) == self.leaving:
            return None
        pairs = list(zip(column, self.entering, strict=True))
        if any(v % x for v, x in pairs):
            return None
        ratios = [v // x for v, x in pairs]
        return ratios if len(set(ratios)) < len(set(column)) else None

    # --- formulas ---

    def _known(self, role: str, column: Column) -> Any:
        defined = [value for value in column if value is not None]
        is_constant = all(value == defined[0] for value in defined)
        for p in self.prefers:
            if p.role == role and _fits(column, p.values):
                return p.expr
        if not self.is_block:
            return defined[0]
        if role == "groups" and defined[0] != 1 and _fits(column, self.entering):
            return Expr("in")
        if is_constant and (role != "groups" or defined[0] == 1 or self.count > 1):
            return defined[0]
        for known_role, values, formula in self._solved:
            same = known_role == role or {known_role, role} <= {CHANNELS, "groups"}
            if same and None not in values and _fits(column, values):
                return formula
        if is_constant:
            return defined[0]
        for p in self.parameters:
            if p.role == role and _fits(column, p.values):
                return p.expr
        if role in (CHANNELS, "groups"):
            return self._formula(column)
        return None

    def _formula(self, column: Column) -> Expr | None:
        bases = [Parameter("in", CHANNELS, self.entering)]
        bases += [p for p in self.parameters if p.role == CHANNELS]
        ratios = [p for p in self.parameters if p.role == RATIO]
        for shape in _SHAPES:
            for base in bases:
                if (found := shape(column, base)) is not None:
                    return found
        for ratio in ratios:
            if _fits(column, [r * x for r, x in zip(ratio.values, self.entering, strict=True)]):
                return Expr(f"{ratio.name} * in", 1)
        for p, q in combinations(bases, 2):
            if _fits(column, [a + b for a, b in zip(p.values, q.values, strict=True)]):
                return Expr(f"{p.name} + {q.name}", 0)
            if _fits(column, [a - b for a, b in zip(p.values, q.values, strict=True)]):
                return Expr(f"{p.name} - {q.name}", 0)
        return None

    # --- conditions ---

    def test(self, present: Sequence[bool]) -> Expr | None:
        """Return a condition that holds in these bodies and follows from what is known."""
        test = next((test for holds, test in self._rules() if list(present) == holds), None)
        self.reads_stride |= test is not None and test.text.startswith("stride")
        return test

    def flag(self, present: Sequence[bool], wanted: Sequence[str]) -> Expr:
        """Return a parameter for this condition."""
        for p in self.parameters:
            if p.role == FLAG and p.values == list(present):
                return p.expr
        return self.parameter(FLAG, list(present), wanted).expr

    def _rules(self) -> Iterator[tuple[list[bool], Expr]]:
        for p in self.parameters:
            if p.role == RATIO:
                yield [v > 1 for v in p.values], Expr(f"{p.name} > 1", 0)
        if any(stride > 1 for stride in self.strides):
            yield [stride > 1 for stride in self.strides], Expr("stride > 1", 0)
            yield [stride == 1 for stride in self.strides], Expr("stride == 1", 0)
        for p in self.parameters:
            if p.role == CHANNELS:
                pairs = list(zip(p.values, self.entering, strict=True))
                yield [v != x for v, x in pairs], Expr(f"{p.name} != in", 0)
                yield [v == x for v, x in pairs], Expr(f"{p.name} == in", 0)

    def _free(self, wanted: Sequence[str]) -> str:
        taken = {p.name for p in self.parameters} | TAKEN
        numbered = (f"{wanted[-1]}{i}" for i in range(2, len(taken) + 3))
        return next(name for name in (*wanted, *numbered) if name not in taken)


def _fits(column: Column, known: Column) -> bool:
    return all(value is None or value == other for value, other in zip(column, known, strict=True))


Shape = Callable[[Column, Parameter], Expr | None]


def _same(column: Column, base: Parameter) -> Expr | None:
    return base.expr if _fits(column, base.values) else None


def _multiple(column: Column, base: Parameter) -> Expr | None:
    ratio = _ratio(column, base)
    if ratio is None or ratio.denominator != 1:
        return None
    return Expr(f"{ratio.numerator} * {base.name}", 1)


def _part(column: Column, base: Parameter) -> Expr | None:
    ratio = _ratio(column, base)
    if ratio is None or ratio.numerator != 1:
        return None
    return Expr(f"{base.name} / {ratio.denominator}", 1)


def _fraction(column: Column, base: Parameter) -> Expr | None:
    ratio = _ratio(column, base)
    if ratio is None or ratio.denominator > 8:
        return None
    return Expr(f"{ratio.numerator} * {base.name} / {ratio.denominator}", 1)


def _ratio(column: Column, base: Parameter) -> Fraction | None:
    pairs = [(v, x) for v, x in zip(column, base.values, strict=True) if v is not None]
    if any(not x for _, x in pairs):
        return None
    ratios = {Fraction(v, x) for v, x in pairs}
    ratio = next(iter(ratios))
    most = max(ratio.numerator, ratio.denominator)
    return ratio if len(ratios) == 1 and 1 < most <= _MOST else None


def _rounded(column: Column, base: Parameter) -> Expr | None:
    """A part of a number, rounded down, or to a multiple of 8 as in MobileNets."""
    pairs = [(v, x) for v, x in zip(column, base.values, strict=True) if v is not None]
    for divisor in (2, 3, 4, 6, 8, 12, 16, 24, 32):
        if all(v == x // divisor for v, x in pairs):
            return Expr(f"{base.name} // {divisor}", 1)
        if all(v == max(1, x // divisor) for v, x in pairs):
            return Expr(f"max(1, {base.name} // {divisor})")
        if all(v == divisible(Fraction(x, divisor)) for v, x in pairs):
            return Expr(f"divisible({base.name} / {divisor}, 8)")
        if all(v == divisible(x // divisor) for v, x in pairs):
            return Expr(f"divisible({base.name} // {divisor}, 8)")
    return None


_SHAPES: tuple[Shape, ...] = (_same, _multiple, _part, _rounded, _fraction)
