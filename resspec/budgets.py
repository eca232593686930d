"""Expectations that a network does not meet: by how much, and what contributes most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from resspec.diagnostics import Diagnostic
from resspec.ir.network import Network
from resspec.ir.quantities import QUANTITIES, Conditions
from resspec.lowering import shape_errors
from resspec.lowering.expectations import Expectation
from resspec.lowering.scope import Named
from resspec.passes.contributors import Contributor, contributors
from resspec.passes.quantities import Facts
from resspec.source import Span

_WORDS = {
    "==": "",
    "!=": "other than ",
    "<=": "at most ",
    ">=": "at least ",
    "<": "less than ",
    ">": "more than ",
}


def unmet(
    network: Network, expected: Iterable[Expectation], declared: Named
) -> Iterator[Diagnostic]:
    """Yield the expectations that a network does not meet."""
    known: dict[Conditions, Facts] = {}
    for each in expected:
        facts = known.setdefault(each.at, Facts(network, each.at))
        found = facts.total(each.quantity)
        if not each.is_met(found):
            of = None if _is_inside(each.span, declared.span) else declared.name.span
            notes = _notes(each.quantity, contributors(facts, each.quantity), found)
            unit = " bytes" if QUANTITIES[each.quantity].unit == "bytes" else ""
            amount = f"{found:,}{unit}"
            yield shape_errors.expectation(
                each.span, _metric(each), amount, _bounds(each), _off(each, found), of, notes
            )


def _is_inside(span: Span, whole: Span) -> bool:
    return span.source is whole.source and whole.start <= span.start < whole.end


def _metric(expected: Expectation) -> str:
    """Return a condition as it is written, without defaults."""
    given = [
        f"{word}={value}"
        for word, value in expected.at._asdict().items()
        if value != Conditions._field_defaults[word]
    ]
    return f"{expected.quantity}({', '.join(given)})" if given else expected.quantity


def _bounds(expected: Expectation) -> str:
    if expected.high is not None:
        return f"{_number(expected.low)} to {_number(expected.high)}"
    return f"{_WORDS[expected.comparison]}{_number(expected.low)}"


def _off(expected: Expectation, found: int) -> str:
    """Return how far from the bound: `366 too few (36.6%)`."""
    bound = expected.high if expected.high is not None and found > expected.high else expected.low
    if found == bound:
        return "exactly that"
    bound = Fraction(bound)
    amount = abs(found - bound)
    share = f" ({_percent(amount / abs(bound))})" if bound else ""
    return f"{_number(amount)} too {'many' if found > bound else 'few'}{share}"


def _notes(quantity: str, parts: list[Contributor], found: int) -> list[str]:
    """Return one note with a line for each part, or none for no parts."""
    if not parts:
        return []
    if quantity.startswith("inference"):
        (peak,) = parts
        return [
            ", ".join(
                ["the peak is at " + (f"`{peak.what}`" if peak.what else "a merge"), *peak.lines]
            )
        ]
    rows = [
        (
            f"{part.value:,}",
            _percent(Fraction(part.value, found)),
            part.what,
            ", from ".join(part.lines),
        )
        for part in parts
    ]
    a, b, c, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = (
        f"{value:>{a}}  {share:>{b}}  {what:{c}}  {places}".rstrip()
        for value, share, what, places in rows
    )
    return ["\n".join(["the largest contributors", *lines])]


def _number(value: int | Fraction) -> str:
    return f"{int(value):,}" if value == int(value) else f"{float(value):,.2f}"


def _percent(share: Fraction) -> str:
    """Return a percentage; of a share above 0 it is never 0."""
    percent = 100 * share
    return (
        "<0.1%"
        if percent < Fraction(1, 20)
        else f"{float(percent):.1f}%"
        if percent < 100
        else f"{float(percent):,.0f}%"
    )
