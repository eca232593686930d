"""From holes to a constructor: which arguments are constants, which are parameters, and which follow from these."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, permutations

from resspec.backends.source.patterns import CHANNELS, Hole, UnalikeError
from resspec.backends.source.syntax import (
    GLOBALS,
    LOCALS,
    Constant,
    Names,
    binary,
    compare,
    constant,
    name,
)
from resspec.backends.source.terms import Value
from resspec.ir.ops.layer import Ramp

Values = tuple[Value | None, ...]
Mask = tuple[bool, ...]

_DEFAULTS: dict[str, Constant] = {
    "stride": 1,
    "dilation": 1,
    "padding": 0,
    "drop_path": 0.0,
    "dropout": 0.0,
    "flag": False,
}
_MAX_FLAGS = 2


@dataclass(eq=False)
class Parameter:
    """A parameter of a constructor, with its value for each body."""

    name: str
    role: str
    values: tuple[Value, ...]

    @cached_property
    def default(self) -> Constant | None:
        usual = _DEFAULTS.get(self.role, 1 if self.name.endswith("groups") else None)
        return (
            usual
            if usual in [value for value in self.values if not isinstance(value, Ramp)]
            else None
        )

    @property
    def annotation(self) -> ast.expr:
        types = dict.fromkeys(
            "float" if isinstance(value, Ramp) else type(value).__name__ for value in self.values
        )
        plain = [name(kind) for kind in sorted(types) if kind != "tuple"]
        pair = ast.Subscript(name("tuple"), ast.Tuple([name("int"), name("int")]))
        return _joined([*plain, *([pair] if "tuple" in types else [])])


def _joined(types: list[ast.expr]) -> ast.expr:
    node = types[0]
    for other in types[1:]:
        node = ast.BinOp(node, ast.BitOr(), other)
    return node


class Solver:
    """The parameters of one class."""

    def __init__(self, channels: Sequence[tuple[int, int]]) -> None:
        self.parameters: list[Parameter] = []
        self.entering = tuple(entering for entering, _ in channels)
        self.leaving = tuple(leaving for _, leaving in channels)
        self.names = Names({*GLOBALS, *LOCALS})
        self._flags = 0
        self._solved: dict[Hole, ast.expr | Value] = {}

    def solve(self, hole: Hole) -> None:
        self._solved[hole] = self._find(hole)

    def value(self, hole: Hole) -> ast.expr | Value:
        """A constant, a ramp, or an expression of parameters."""
        return self._solved[hole]

    def test(self, chosen: Mask, among: Mask, member: str | None) -> ast.expr:
        """An expression that is true in the chosen bodies: what shortcut options look at, or a flag named after the member
        where there is no such rule. Raises UnalikeError where there is neither."""
        for holds, node in self._rules():
            if all(a == b for a, b, counts in zip(holds, chosen, among, strict=True) if counts):
                return node
        if member is None or self._flags == _MAX_FLAGS:
            raise UnalikeError
        self._flags += 1
        return self._new("flag", (member, f"with_{member}"), chosen)

    def channels(self) -> tuple[ast.expr | None, ast.expr | None]:
        """The channels that enter and those that leave, as expressions."""
        return self._side(self.entering), self._side(self.leaving)

    def _side(self, values: tuple[int, ...]) -> ast.expr | None:
        return constant(values[0]) if len(set(values)) == 1 else self._known(values)

    def _find(self, hole: Hole) -> ast.expr | Value:
        values = hole.values
        defined = {value for value in values if value is not None}
        constant = len(defined) == 1 and (
            hole.looped or not any(isinstance(value, Ramp) for value in defined)
        )
        if constant and None not in values:
            return next(iter(defined))
        if (found := self._from_known(hole, constant)) is not None:
            return found
        if not constant and hole.looped and any(isinstance(value, Ramp) for value in defined):
            raise UnalikeError
        return next(iter(defined)) if constant else self._new(hole.role, self._wanted(hole), values)

    def _from_known(self, hole: Hole, constant: bool) -> ast.expr | None:
        equal = [p for p in self.parameters if p.role == hole.role and _fits(hole.values, p.values)]
        if hole.role != CHANNELS:
            return name(equal[0].name) if equal else self._padding(hole)
        side = self.entering if hole.key.startswith("in_") else self.leaving
        if _fits(hole.values, side) and (found := self._known(side)) is not None:
            return found
        if hole.key == "amount" and (found := self._widening(hole)) is not None:
            return found
        if equal:
            return name(equal[0].name)
        return None if constant else self._known(hole.values)

    def _known(self, values: Values) -> ast.expr | None:
        """Channels as an expression of the parameters there are: equal, a multiple, a part, a sum."""
        parameters = [p for p in self.parameters if p.role == CHANNELS]
        simple = (
            shape(values, p) for shape in (_same, _multiple, _part, _offset) for p in parameters
        )
        pairs = (_pair(values, p, q) for p, q in permutations(parameters, 2))
        return next((node for node in chain(simple, pairs) if node is not None), None)

    def _widening(self, hole: Hole) -> ast.expr | None:
        """The channels that zero padding adds: those that leave without those that enter."""
        if not _fits(
            hole.values, [y - x for x, y in zip(self.entering, self.leaving, strict=True)]
        ):
            return None
        entering, leaving = self._known(self.entering), self._known(self.leaving)
        return binary(leaving, "-", entering) if entering and leaving else None

    def _padding(self, hole: Hole) -> ast.expr | None:
        """The padding that keeps the size: half the kernel, or the dilation."""
        if hole.role != "padding":
            return None
        for p in self.parameters:
            if p.role == "dilation" and _fits(hole.values, p.values):
                return name(p.name)
            if p.role == "kernel_size" and _fits(
                hole.values, [k // 2 if isinstance(k, int) else None for k in p.values]
            ):
                return binary(name(p.name), "//", constant(2))
        return None

    def _wanted(self, hole: Hole) -> tuple[str, ...]:
        """Names for a new parameter, best first."""
        member = hole.member if hole.member[:1].isalpha() else "inner"
        if hole.role != CHANNELS or hole.key == "groups":
            return hole.role if hole.role != CHANNELS else "groups", f"{member}_{hole.key}"
        if _fits(hole.values, self.entering):
            return ("channels",) if self.entering == self.leaving else ("in_channels",)
        if _fits(hole.values, self.leaving):
            return ("out_channels",)
        return "width", f"{member}_channels"

    def _new(self, role: str, wanted: Sequence[str], values: Values | Mask) -> ast.expr:
        usual = _DEFAULTS.get(role, 0)
        text = self.names.new(*(text.lower() for text in wanted))
        self.parameters.append(
            Parameter(text, role, tuple(usual if value is None else value for value in values))
        )
        return name(text)

    def _rules(self) -> Iterator[tuple[list[bool], ast.expr]]:
        """What a shortcut option distinguishes, and how one writes it: does the block stride, does it change the channels."""
        entering, leaving = self._known(self.entering), self._known(self.leaving)
        changes = [x != y for x, y in zip(self.entering, self.leaving, strict=True)]
        strides = [
            (name(p.name), [value != 1 for value in p.values])
            for p in self.parameters
            if p.role == "stride"
        ]
        one = constant(1)
        if entering is not None and leaving is not None:
            differs, equals = compare(entering, "!=", leaving), compare(entering, "==", leaving)
            for stride, does in strides:
                either = [a or b for a, b in zip(does, changes, strict=True)]
                yield either, ast.BoolOp(ast.Or(), [compare(stride, "!=", one), differs])
                yield (
                    [not value for value in either],
                    ast.BoolOp(ast.And(), [compare(stride, "==", one), equals]),
                )
            yield changes, differs
            yield [not value for value in changes], equals
        for stride, does in strides:
            yield does, compare(stride, "!=", one)
            yield [not value for value in does], compare(stride, "==", one)


def _fits(values: Sequence[Value | None], known: Sequence[Value | None]) -> bool:
    return all(value is None or value == other for value, other in zip(values, known, strict=True))


def _same(values: Values, p: Parameter) -> ast.expr | None:
    return name(p.name) if _fits(values, p.values) else None


def _ints(values: Values, p: Parameter) -> list[tuple[int, int]]:
    return [
        (v, b) for v, b in zip(values, p.values, strict=True) if type(v) is int and type(b) is int
    ]


def _multiple(values: Values, p: Parameter) -> ast.expr | None:
    pairs = _ints(values, p)
    factor = pairs[0][0] // pairs[0][1] if pairs and pairs[0][1] else 0
    fits = factor > 1 and all(v == factor * b for v, b in pairs)
    return binary(constant(factor), "*", name(p.name)) if fits else None


def _part(values: Values, p: Parameter) -> ast.expr | None:
    pairs = _ints(values, p)
    divisor = pairs[0][1] // pairs[0][0] if pairs and pairs[0][0] else 0
    fits = divisor > 1 and all(v * divisor == b for v, b in pairs)
    return binary(name(p.name), "//", constant(divisor)) if fits else None


def _offset(values: Values, p: Parameter) -> ast.expr | None:
    pairs = _ints(values, p)
    offset = pairs[0][0] - pairs[0][1] if pairs else 0
    if not offset or any(v != b + offset for v, b in pairs):
        return None
    return binary(name(p.name), "+" if offset > 0 else "-", constant(abs(offset)))


def _pair(values: Values, p: Parameter, q: Parameter) -> ast.expr | None:
    rows = [(v, a, b) for v, a, b in zip(values, p.values, q.values, strict=True) if v is not None]
    for operator, sign in (("+", 1), ("-", -1)):
        if all(v == a + sign * b for v, a, b in rows):  # type: ignore[operator]
            return binary(name(p.name), operator, name(q.name))
    return None
