"""From holes to the parameters of a block: which numbers are constants, which vary, and which
follow from others.

A formula is data: `Variable` and `Binary` of resspec/ir/formulas.py. `in` counts the channels that
enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, permutations
from typing import Any

from resspec.importing.antiunify.patterns import CHANNELS, Hole, UnlikeError
from resspec.ir.formulas import ENTERING, Binary, Formula, Variable
from resspec.ir.ops.layer import Ramp

Values = tuple[Any, ...]
Mask = tuple[bool, ...]

_MAX_FLAGS = 2


@dataclass(eq=False)
class FamilyParameter:
    """A parameter of a block, with its value for each body."""

    name: str
    role: str
    values: Values


class Solver:
    """The parameters of one family; `channels` are those that enter and leave each body."""

    def __init__(self, channels: Sequence[tuple[int, int]]) -> None:
        self.entering = FamilyParameter(ENTERING, CHANNELS, tuple([x for x, _ in channels]))
        self.leaving = tuple([y for _, y in channels])
        self.parameters: list[FamilyParameter] = []
        self._flags = 0
        self._solved: dict[Hole, Any] = {}

    def solve(self, hole: Hole) -> None:
        """Find the constant, the parameter or the formula that fills a hole."""
        self._solved[hole] = self._find(hole)

    def formula(self, hole: Hole) -> Any:
        """Return what fills a hole: a constant, or a formula of parameters."""
        return self._solved[hole]

    def test(self, chosen: Mask, among: Mask, member: str | None) -> Formula:
        """Return a condition that holds in the chosen bodies.

        It is what shortcut options look at, or a flag named after the member where there is no such
        rule.

        Raises:
            UnlikeError: There is neither.
        """
        for holds, formula in self._rules():
            if all(a == b for a, b, counts in zip(holds, chosen, among, strict=True) if counts):
                return formula
        if member is None or self._flags == _MAX_FLAGS:
            raise UnlikeError
        self._flags += 1
        return self._new("flag", (member, f"with_{member}"), chosen)

    def _find(self, hole: Hole) -> Any:
        values = hole.values
        defined = {value for value in values if value is not None}
        if all(value == values[0] for value in values):
            return values[0]
        found = self._known(values) if hole.role == CHANNELS else self._equal(hole)
        if found is not None:
            return found
        if len(defined) <= 1:
            return next(iter(defined), None)
        if any(isinstance(value, Ramp) for value in defined):
            raise UnlikeError
        return self._new(hole.role, self._wanted(hole), values)

    def _equal(self, hole: Hole) -> Formula | None:
        """Return a parameter of the same role, or the padding that keeps the size."""
        for p in self.parameters:
            if p.role == hole.role and _fits(hole.values, p.values):
                return Variable(p.name)
            if (hole.role, p.role) == ("padding", "dilation") and _fits(hole.values, p.values):
                return Variable(p.name)
            if (hole.role, p.role) == ("padding", "kernel_size"):
                halves = [k // 2 if isinstance(k, int) else None for k in p.values]
                if _fits(hole.values, halves):
                    return Binary("//", Variable(p.name), 2)
        return None

    def _known(self, values: Values) -> Formula | None:
        """Channels as a formula of what is known: equal, a multiple, a part, a sum."""
        known = [p for p in (*self.parameters, self.entering) if p.role == CHANNELS]
        shapes = (_same, _multiple, _part, _offset)
        simple = (shape(values, p) for shape in shapes for p in known)
        pairs = (_pair(values, p, q) for p, q in permutations(known, 2))
        return next((formula for formula in chain(simple, pairs) if formula is not None), None)

    def _wanted(self, hole: Hole) -> tuple[str, ...]:
        """Return names for a new parameter, best first."""
        member = hole.member if hole.member[:1].isalpha() else "inner"
        if hole.role != CHANNELS or hole.key == "groups":
            role = hole.role if hole.role != CHANNELS else "groups"
            return role, f"{member}_{hole.key}"
        return "width", f"{member}_channels"

    def _new(self, role: str, wanted: Sequence[str], values: Values) -> Variable:
        taken = {p.name for p in self.parameters} | {ENTERING}
        numbered = (f"{wanted[-1]}{i}" for i in range(2, len(taken) + 3))
        name = next(text for text in chain(wanted, numbered) if text not in taken)
        self.parameters.append(FamilyParameter(name, role, values))
        return Variable(name)

    def _rules(self) -> Iterator[tuple[list[bool], Formula]]:
        """Return what shortcut options distinguish: does the block stride, does it change the
        channels.
        """
        entering, leaving = Variable(ENTERING), self._known(self.leaving)
        pairs = list(zip(self.entering.values, self.leaving, strict=True))
        changes = [x != y for x, y in pairs]
        strides = [p for p in self.parameters if p.role == "stride"]
        for p in strides:
            does = [value != 1 for value in p.values]
            stride = Variable(p.name)
            if leaving is not None:
                either = [a or b for a, b in zip(does, changes, strict=True)]
                differs, equals = Binary("!=", entering, leaving), Binary("==", entering, leaving)
                yield either, Binary("or", Binary("!=", stride, 1), differs)
                yield (
                    [not value for value in either],
                    Binary("and", Binary("==", stride, 1), equals),
                )
            yield does, Binary("!=", stride, 1)
            yield [not value for value in does], Binary("==", stride, 1)
        if leaving is not None:
            yield changes, Binary("!=", entering, leaving)
            yield [not value for value in changes], Binary("==", entering, leaving)


def _fits(values: Sequence[Any], known: Sequence[Any]) -> bool:
    return all(value is None or value == other for value, other in zip(values, known, strict=True))


def _same(values: Values, p: FamilyParameter) -> Formula | None:
    return Variable(p.name) if _fits(values, p.values) else None


def _ints(values: Values, p: FamilyParameter) -> list[tuple[int, int]]:
    pairs = zip(values, p.values, strict=True)
    return [(v, b) for v, b in pairs if type(v) is int and type(b) is int]


def _multiple(values: Values, p: FamilyParameter) -> Formula | None:
    pairs = _ints(values, p)
    factor = pairs[0][0] // pairs[0][1] if pairs and pairs[0][1] else 0
    fits = factor > 1 and all(v == factor * b for v, b in pairs)
    return Binary("*", factor, Variable(p.name)) if fits else None


def _part(values: Values, p: FamilyParameter) -> Formula | None:
    pairs = _ints(values, p)
    divisor = pairs[0][1] // pairs[0][0] if pairs and pairs[0][0] else 0
    fits = divisor > 1 and all(v * divisor == b for v, b in pairs)
    return Binary("//", Variable(p.name), divisor) if fits else None


def _offset(values: Values, p: FamilyParameter) -> Formula | None:
    pairs = _ints(values, p)
    offset = pairs[0][0] - pairs[0][1] if pairs else 0
    if not offset or any(v != b + offset for v, b in pairs):
        return None
    return Binary("+" if offset > 0 else "-", Variable(p.name), abs(offset))


def _pair(values: Values, p: FamilyParameter, q: FamilyParameter) -> Formula | None:
    rows = zip(values, p.values, q.values, strict=True)
    known = [(v, a, b) for v, a, b in rows if v is not None]
    for operator, sign in (("+", 1), ("-", -1)):
        if all(v == a + sign * b for v, a, b in known):
            return Binary(operator, Variable(p.name), Variable(q.name))
    return None
