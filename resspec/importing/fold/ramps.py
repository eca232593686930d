"""Stochastic depth: probabilities that grow from block to block, as a formula of `index`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from resspec.backends.expand import number_text
from resspec.importing.fold.residual import residuals
from resspec.importing.fold.terms import Body, Call, Expr, Module, Row, bodies, walk
from resspec.ir import walk as ir
from resspec.ir.network import Network
from resspec.ir.nodes import Located, Op
from resspec.ir.ops.regularize import DropPathOp

_CLOSE = Fraction(1, 10**6)  # the largest error of a float that a formula computed
_MOST = 1000  # the largest denominator of a probability in a spec
Place = tuple[int, Fraction]  # the number of a residual block, and a probability in it

_FORMS: tuple[tuple[str, Callable[[int, int], Fraction]], ...] = (
    ("index / (count - 1)", lambda index, count: Fraction(index, max(count - 1, 1))),
    ("index / count", Fraction),
    ("(index + 1) / count", lambda index, count: Fraction(index + 1, count)),
)


@dataclass(frozen=True)
class Ramp:
    """The formula of a network's stochastic depth.

    Attributes:
        formula: The formula; None where there is none.
        exact: Its value for each probability of the network.
    """

    formula: Expr | None = None
    exact: Mapping[Fraction, Fraction] = field(default_factory=dict)

    def applied(self, network: Network) -> Network:
        """Return the network with the exact values in place of rounded ones."""
        if all(rounded == exact for rounded, exact in self.exact.items()):
            return network
        known: dict[Located, Located] = {}
        sections = tuple(
            replace(section, located=self._applied(section.located, known))
            for section in network.sections
        )
        return replace(network, sections=sections)

    def _applied(self, part: Located, known: dict[Located, Located]) -> Located:
        if part not in known:
            match part.node:
                case Op(layer=DropPathOp(p=Fraction() as p)) as op if p in self.exact:
                    node = replace(op, layer=DropPathOp(p=self.exact[p]))
                    known[part] = replace(part, node=node)
                case _:
                    parts = tuple(self._applied(inner, known) for inner in part.parts)
                    known[part] = ir.with_parts(part, parts)
        return known[part]


def ramp(root: Body) -> Ramp:
    """Return the formula by which the probabilities in a network grow."""
    places, count = _places(root)
    if len({p for _, p in places}) < 2:
        return Ramp()
    last, largest = places[-1]
    found: dict[Fraction, Ramp] = {}
    for text, form in _FORMS:
        share = form(last, count)
        if not share:
            continue
        most = (largest / share).limit_denominator(_MOST)
        values = [(p, most * form(index, count)) for index, p in places]
        if all(abs(p - exact) < _CLOSE for p, exact in values):
            formula = Expr(f"{number_text(most)} * {text}", 1)
            found.setdefault(most, Ramp(formula, dict(values)))
    simplest = min(found, key=lambda most: most.denominator, default=None)
    return Ramp() if simplest is None else found[simplest]


def _places(root: Body) -> tuple[list[Place], int]:
    """Return the probabilities in the outermost residual blocks, and how many such blocks are
    there.
    """
    kinds = _residual_kinds(root)
    found: list[Place] = []
    count = 0
    for body in _outermost(root.row, kinds):
        found += [(count, p) for p in _probabilities(body.row)]
        count += 1
    return found, count


def _residual_kinds(root: Body) -> set[str]:
    of_kind: dict[str, dict[Body, None]] = {}
    waiting = [*bodies(root.row)]
    seen: set[Body] = set()
    while waiting:
        body = waiting.pop()
        if body not in seen:
            seen.add(body)
            of_kind.setdefault(body.kind, {})[body] = None
            waiting += bodies(body.row)
    return {kind for kind, group in of_kind.items() if residuals([body.row for body in group])}


def _outermost(row: Row, kinds: set[str]) -> Iterator[Body]:
    for step in walk(row):
        if isinstance(step, Module):
            if step.body.kind in kinds:
                yield step.body
            else:
                yield from _outermost(step.body.row, kinds)


def _probabilities(row: Row) -> Iterator[Fraction]:
    for step in walk(row):
        if isinstance(step, Module):
            yield from _probabilities(step.body.row)
        elif isinstance(step, Call) and step.kind == "drop_path":
            yield dict(step.fields)["p"]
