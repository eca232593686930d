"""E02, arguments and values. Each function's docstring is the page of its code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

from resspec.diagnostics import Diagnostic, Fix, at
from resspec.source import Label, Span
from resspec.suggest import any_of, listed, meant, only


def unknown_argument(
    span: Span,
    callee: str,
    near: Sequence[str],
    takes: Sequence[str] = (),
    others: Sequence[str] = (),
    instead: str | None = None,
) -> Diagnostic:
    """E0203: a layer, block or quantity has no argument of this name; others may."""
    is_stride = only(near) == "stride"
    help = instead or meant(near)
    if is_stride:
        help = "did you mean the stride? it is written `/2`"
    legal = (
        f"it takes {listed(takes)}"
        if takes
        else f"it is an argument of {listed(others)}"
        if others
        else None
    )
    message = f"`{callee}` has no argument `{span.text}`"
    return at("E0203", message, span, help or legal, instead=None if is_stride else only(near))


def stride_as_keyword(span: Span, value: str) -> Diagnostic:
    """E0204: the stride of a call is written `/2`, not `stride=2`."""
    written = _stride(value)
    return at(
        "E0204",
        f"a stride is not written `{span.text}`",
        span,
        f"write `{written}`",
        instead=written,
    )


def too_many_arguments(
    span: Span,
    callee: str,
    takes: int,
    near: str | None,
    named: Sequence[str] = (),
    strides: bool = False,
) -> Diagnostic:
    """E0205: more bare arguments than the layer or block declares."""
    amount = {0: "no argument", 1: "one argument"}.get(takes, f"{takes} arguments")
    amount += " without a name" if named and not near else ""
    by_name = f"give it by name, `name=value`: {listed(named)}" if named else None
    help = meant([near]) if near else by_name
    if strides:
        stride = f"write `/{span.text}` for a stride"
        help = f"{stride}; or {help}" if help else stride
    text, end = span.source.text, span.end
    is_last = near is not None and not text[end:].lstrip(" \t").startswith(",")
    before = len(text[: span.start].rstrip(" \t").removesuffix(","))
    fix = Fix(Span(span.source, before, end), f" -> {span.text}") if is_last else None
    return Diagnostic("E0205", f"`{callee}` takes {amount}", (Label(span),), help, fix=fix)


def missing_argument(span: Span, callee: str, needs: str, example: str | None) -> Diagnostic:
    """E0206: a layer or block needs an argument that was not given."""
    return at("E0206", f"`{callee}` needs its {needs}", span, example)


def wrong_kind(span: Span, argument: str, needs: str, got: str) -> Diagnostic:
    """E0207: an argument of another kind than the layer takes: a size for a number, a fraction for
    a whole number.
    """
    return at("E0207", f"{argument} cannot be {got}", span, needs)


def not_whole(span: Span, argument: str, got: Fraction) -> Diagnostic:
    """E0208: a division with a remainder where a whole number is needed."""
    below, above = floor(got), max(ceil(got), 1)
    message, help = (
        f"{argument} cannot be {got}",
        f"{below} or {above}" if below > 0 else f"a whole number, {above} or more",
    )
    division = re.fullmatch(r"(\w+)\s*/\s+(\w+)", span.text)
    if division and below > 0:
        help = f"`{division[1]} // {division[2]}` rounds down to {below}"
    if not division or not division[2].isdecimal():
        return at("E0208", message, span, help)
    divisor = int(division[2])
    fits = f"{below * divisor} or {above * divisor}" if below > 0 else f"{above * divisor}"
    help = f"{help}; " if below > 0 else ""
    help = f"{help}there is no remainder if `{division[1]}` is {fits}"
    return at("E0208", message, span, help, f"{got * divisor} / {divisor}")


def out_of_range(span: Span, argument: str, limits: str, got: str) -> Diagnostic:
    """E0209: a number that no layer can have: zero channels, stride 0, a probability of 2."""
    return at("E0209", f"{argument} cannot be {got}", span, limits)


def given_twice(span: Span, name: str) -> Diagnostic:
    """E0210: an argument that is given twice."""
    return at("E0210", f"`{name}` is given twice", span, "give it only once")


def unused_stride(span: Span, callee: str, is_block: bool = False) -> Diagnostic:
    """E0211: a stride that is not used: the layer takes none, or the block never reads `stride`."""
    other = ", or write `/stride` in the block" if is_block else ""
    return at(
        "E0211", f"`{callee}` does not use this stride", span, f"leave out `{span.text}`{other}"
    )


def not_here(span: Span, why: str, help: str) -> Diagnostic:
    """E0220: `in`, `stride`, `out`, `index` and `count` have a value in some places only."""
    return at("E0220", f"`{span.text}` has no value here", span, help, why)


def no_arithmetic(span: Span, got: str) -> Diagnostic:
    """E0221: arithmetic is for numbers."""
    if got == "a list":
        return misplaced_list(span)
    before = span.source.text[max(0, span.start - 40) : span.start].rstrip(" \t")
    help = "write a number: other values can only be compared, with `==` and `!=`"
    if before.endswith(">") and got.startswith(("the layer", "the block")):
        help = "connect layers with `->`"
    return at("E0221", f"this is {got}, not a number", span, help)


_SIDES = re.compile(r"\[ *(\d+) *, *(\d+)(?: *, *(\d+))? *\]")


def misplaced_list(span: Span) -> Diagnostic:
    """E0255: a list where one value is needed: only `stages` takes an entry for each stage."""
    sides = _SIDES.fullmatch(span.text)
    help = "write one value; only `stages layer1..: …` takes one entry per stage"
    if sides:
        size = "x".join(side for side in sides.groups() if side)
        help = f"a size is written `{size}`"
    return at("E0255", "this is a list", span, help)


def unequal_lists(span: Span, length: int, first: Span, expected: int) -> Diagnostic:
    """E0256: the lists of a value or of `stages` have different lengths."""
    return Diagnostic(
        "E0256",
        f"this list has {_entries(length)}, another has {_entries(expected)}",
        (Label(span), Label(first, _entries(expected))),
        "give each list one entry for each stage",
    )


def _entries(count: int) -> str:
    return "one entry" if count == 1 else f"{count} entries"


def division_by_zero(span: Span) -> Diagnostic:
    """E0222: a division by zero."""
    return at("E0222", "this divides by zero", span, "divide by another number")


def number_too_large(span: Span, limit: int) -> Diagnostic:
    """E0223: a number beyond what any network needs."""
    return at(
        "E0223",
        f"this number is larger than {limit:,}",
        span,
        "use smaller numbers: no network needs one this large",
    )


def bad_choice(
    span: Span, argument: str, choices: Sequence[str], near: Sequence[str]
) -> Diagnostic:
    """E0229: an argument that takes one of a few words."""
    return at(
        "E0229",
        f"{argument} cannot be `{span.text}`",
        span,
        meant(near) or any_of(choices),
        instead=only(near),
    )


def needs_values(span: Span, name: str, parameters: Sequence[str]) -> Diagnostic:
    """E0237: a template without a value for a parameter is not a network yet."""
    names = ", ".join(f"`{each}`" for each in parameters)
    values = ", ".join(f"{each}=…" for each in parameters)
    help = f"derive a network with values: `network my_{name} = {name} {values}`"
    has = "has" if len(parameters) == 1 else "have"
    message = f"`{name}` is a template: {names} {has} no value"
    return Diagnostic("E0237", message, (Label(span),), help, needs=tuple(parameters))


def by_name_only(span: Span, template: str, parameter: str | None) -> Diagnostic:
    """E0242: the arguments of a network, and those of a quantity, are given by name."""
    named = f"{parameter}={span.text}" if parameter else None
    help = f"leave it out: `{template}` takes no more arguments"
    if named:
        help = f"write `{named}`: `{template}` takes its arguments by name"
    return at("E0242", "this argument has no name", span, help, instead=named)


def misplaced_bytes(span: Span, why: str) -> Diagnostic:
    """E0247: an amount of bytes where something else is counted."""
    number = span.text.removesuffix("B")
    return at(
        "E0247",
        why,
        span,
        f"write `{number}`" if number[-1] != "i" else "write a number without a unit",
    )


def empty_range(span: Span, low: Span, high: Span) -> Diagnostic:
    """E0248: a range that ends below its start."""
    turned = f"{high.text} .. {low.text}"
    return at(
        "E0248",
        "no number is in this range",
        span,
        f"the lower bound comes first: `{turned}`",
        instead=turned,
    )


def _stride(value: str) -> str:
    return f"/{value}" if value.isalnum() else f"/({value})"
