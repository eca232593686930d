"""E02, names: what is called so, where, and how often. A function's docstring is its code's
page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from resspec.diagnostics import CIRCULAR, Diagnostic, Fix, at
from resspec.source import Label, Span
from resspec.suggest import any_of, listed, meant, only

_RESIDUALS = (
    "residual",
    "shortcut",
    "skip",
    "res",
    "resblock",
)  # of other languages, before braces


def unknown_layer(
    span: Span,
    near: Sequence[str],
    others: Sequence[str],
    elsewhere: Sequence[str],
    instead: str | None = None,
    is_word: bool = False,
) -> Diagnostic:
    """E0201: no layer or block has this name, here or in a used library."""
    if is_word:
        return at(
            "E0201",
            "a layer or block is missing here",
            span,
            "add a layer: the clause before this one ends too early",
            f"`{span.text}` is a reserved word",
        )
    is_upper = len(near) == 1 and span.text[0].isupper() and span.text.lower().startswith(near[0])
    help = f"names are lower case here: `{near[0]}`" if is_upper else meant(near or others)
    help = (
        _used(elsewhere)
        or help
        or instead
        or f"declare it, `block {span.text} = …`, or `use` a library that does"
    )
    return at(
        "E0201",
        f"no layer or block is called `{span.text}`",
        span,
        help,
        instead=None if elsewhere else only(near),
    )


def unknown_function(span: Span, near: Sequence[str], known: Sequence[str]) -> Diagnostic:
    """Return an E0201 about a name before arguments in parentheses."""
    message = f"no function or block is called `{span.text}`"
    help = meant(near) or f"the functions are {listed(known)}"
    return at("E0201", message, span, help, instead=only(near))


def unknown_name(span: Span, near: Sequence[str], instead: str | None = None) -> Diagnostic:
    """E0202: a name in a value that is not known at this place."""
    instead = instead or _instead_of_value(span)
    near = () if instead else near
    help = instead or meant(near) or f"declare it, `let {span.text} = …`, or write its value"
    return at("E0202", f"nothing is called `{span.text}` here", span, help, instead=only(near))


def _instead_of_value(span: Span) -> str | None:
    """Return what is meant by a word of other languages in the place of a value."""
    before = span.source.text[max(0, span.start - 40) : span.start].rstrip(" \t")
    if before.endswith("//"):
        return "`//` divides; a comment begins with `#`"
    if span.text in ("None", "null", "nil"):
        return "leave this argument out"
    argument = re.search(r"\w+[ \t]*=\Z", before)
    return instead_of_padding(argument[0] + span.text) if argument else None


def instead_of_padding(argument: str) -> str | None:
    """Return what to write for an argument such as `padding=same`."""
    name, _, value = argument.replace(" ", "").partition("=")
    if name not in ("padding", "pad", "pads", "padding_mode"):
        return None
    same = "`padding=same`; without it, an odd kernel keeps the size, too"
    return {"same": same, "valid": "`padding=0`"}.get(value.lower())


def defined_twice(span: Span, first: Span) -> Diagnostic:
    """E0212: one name, two declarations."""
    return Diagnostic(
        "E0212",
        f"`{span.text}` is defined twice",
        (Label(span, "again"), Label(first, "first here")),
        "keep one of them, or rename one",
    )


def reserved(span: Span) -> Diagnostic:
    """E0213: a word of the language used as a name."""
    return at(
        "E0213",
        f"`{span.text}` is a reserved word",
        span,
        f"use another name, such as `{span.text}_`",
    )


def redefines_layer(span: Span) -> Diagnostic:
    """E0214: a layer or function cannot be redefined."""
    help = f"choose another name, such as `my_{span.text}`"
    return at("E0214", f"`{span.text}` is built in and cannot be redefined", span, help)


def ambiguous(span: Span, places: Sequence[Span]) -> Diagnostic:
    """E0215: two libraries define the name differently, and this file uses both."""
    labels = (Label(span), *(Label(place, "one of them") for place in places))
    return Diagnostic(
        "E0215",
        f"`{span.text}` is defined in {len(places)} libraries",
        labels,
        "declare it in this file, which takes precedence",
    )


def use_cycle(span: Span, name: str, trail: Sequence[Span]) -> Diagnostic:
    """E0216: files that use each other."""
    labels = (
        Label(span, f"uses {name}, which is being read"),
        *(Label(place, "used from here") for place in trail),
    )
    return Diagnostic(
        "E0216", "these files use each other", labels, "move what both need into a third file"
    )


def no_library(span: Span, looked: Sequence[str], near: Sequence[str]) -> Diagnostic:
    """E0217: a library or file that does not exist."""
    where = f"looked for {', '.join(looked)}"
    quote = '"' if span.text.startswith('"') else ""
    fix = Fix(span, f"{quote}{near[0]}{quote}") if len(near) == 1 else None
    return Diagnostic(
        "E0217",
        f"there is no library `{span.text.strip(chr(34))}`",
        (Label(span),),
        meant(near),
        (where,),
        fix,
    )


def outside_root(span: Span, root: str) -> Diagnostic:
    """E0218: a spec reads files of its own project only."""
    help, where = "move or copy it into the project", f"the project is {root}"
    return Diagnostic(
        "E0218", "this file is outside of the project", (Label(span),), help, (where,)
    )


def recursion(span: Span, name: str, trail: Sequence[Span], limit: int | None = None) -> Diagnostic:
    """E0219: a block that contains itself without end."""
    # `limit`: of the levels that may nest, where calls with other arguments each time reach it
    places = [place for place in dict.fromkeys(trail) if place != span]
    labels = (Label(span, "here again"), *(Label(place, "called from here") for place in places))
    message = f"`{name}` contains itself" + (
        f", beyond {limit} levels" if limit else " without end"
    )
    ends = "a block may only call itself with an argument that ends the recursion"
    help = f"repeat with `N x …`: {ends}"
    return Diagnostic("E0219", message, labels, help)


def unknown_option(
    span: Span, near: Sequence[str], known: Sequence[str], elsewhere: Sequence[str]
) -> Diagnostic:
    """E0224: no shortcut option has this name."""
    help = _used(elsewhere) or meant(near) or f"the options are {listed(known[:12])}"
    return at(
        "E0224",
        f"no shortcut option is called `{span.text}`",
        span,
        help,
        instead=None if elsewhere else only(near),
    )


def unknown_network(span: Span, near: Sequence[str], elsewhere: Sequence[str]) -> Diagnostic:
    """E0225: no network has this name."""
    help = (
        _used(elsewhere)
        or meant(near)
        or f"declare it, `network {span.text} {{ … }}`, or `use` a library that does"
    )
    return at(
        "E0225",
        f"no network is called `{span.text}`",
        span,
        help,
        instead=None if elsewhere else only(near),
    )


def no_spec(span: Span, looked: Sequence[str], near: Sequence[str]) -> Diagnostic:
    """E0251: a network is derived from a spec that does not exist."""
    message, where = f"there is no spec `{span.text}`", f"looked for {', '.join(looked)}"
    return at("E0251", message, span, meant(near), where, instead=only(near))


def unnamed_base(span: Span, file: str, names: Sequence[str]) -> Diagnostic:
    """E0252: a network is derived from a file with networks of which none has its name."""
    message = f"{file} has no network with the name of the file"
    if names:
        help = f'`use "{file}"`, and derive the network from one of {listed(names)}'
    else:
        help = "write the path of a file that declares a network"
    return at("E0252", message, span, help)


def unknown_arm(span: Span, near: Sequence[str]) -> Diagnostic:
    """E0226: a shortcut option has the arms `same`, `widen`, `narrow` and `change`."""
    return at(
        "E0226",
        f"a shortcut option has no arm `{span.text}`",
        span,
        meant(near) or "use `same`, `widen`, `narrow` or `change`",
        instead=only(near),
    )


def unknown_law(span: Span, near: Sequence[str], is_layer: bool) -> Diagnostic:
    """E0227: no initialization has this name."""
    help = meant(near) or (
        f"write `init {span.text}: …` for the layers of this kind" if is_layer else None
    )
    return at("E0227", f"no initialization is called `{span.text}`", span, help, instead=only(near))


def unknown_kind(
    span: Span, near: Sequence[str], others: Sequence[str], instead: str | None = None
) -> Diagnostic:
    """E0228: `init KIND:` and `replace KIND:` name a layer kind."""
    help = f"did you mean layers of kind {any_of(near or others)}?" if near or others else None
    help = help or f"a layer such as `conv` or `bn`{f'; {instead}' if instead else ''}"
    return at("E0228", f"no layer is called `{span.text}`", span, help, instead=only(near))


def unknown_metric(span: Span, near: Sequence[str], known: Sequence[str]) -> Diagnostic:
    """E0236: `expect` names a total of the report."""
    return at(
        "E0236",
        f"the report has no `{span.text}`",
        span,
        meant(near) or f"use one of {', '.join(known)}",
        instead=only(near),
    )


def no_merge(span: Span, near: Sequence[str], paths: int) -> Diagnostic:
    """E0238: paths are merged by `add`, `concat` or `mul`."""
    help = meant(near) or "`add`, `concat` or `mul`"
    if span.text in _RESIDUALS:
        help = "write `add { identity | … } -> relu`, or a block with a `residual`"
    elif paths == 1 and not near:
        help = (
            "leave it out: braces alone group layers, `sequential` makes a module of them, "
            f"and {help} merge several paths"
        )
    return at("E0238", f"`{span.text}` does not merge paths", span, help, instead=only(near))


def bad_replacement(span: Span) -> Diagnostic:
    """E0239: `replace` swaps one layer for another."""
    return at(
        "E0239",
        f"`{span.text}` is a block, not a layer",
        span,
        "name a layer, such as `replace bn: gn 32`",
    )


def no_layer(span: Span, got: str) -> Diagnostic:
    """E0240: a name that is called like a layer, but stands for a number, a size or an option."""
    return at(
        "E0240",
        f"this is {got}, not a layer or block",
        span,
        f"pass it to a layer, such as `conv 3x3, {span.text}`",
    )


def circular(span: Span, name: str, trail: Sequence[Span]) -> Diagnostic:
    """E0241: a constant or a network that is defined by itself, or a number of blocks that depends
    on their `count`.
    """
    labels = (
        Label(span, "here again"),
        *(Label(place, "through this") for place in trail if place != span),
    )
    help = "define one of them without the others" if trail else "write a number instead"
    return Diagnostic(CIRCULAR, f"`{name}` is defined by itself", labels, help)


def no_option(span: Span, got: str, known: Sequence[str]) -> Diagnostic:
    """E0246: a name that is used as a shortcut option, but stands for something else."""
    return at(
        "E0246", f"this is {got}, not a shortcut option", span, f"use one of {listed(known[:12])}"
    )


def _used(elsewhere: Sequence[str]) -> str | None:
    """Libraries that declare just this name, where none of them is used."""
    if not elsewhere:
        return None
    return (
        f"`use {elsewhere[0]}` declares it"
        if len(elsewhere) == 1
        else f"`use` {any_of(elsewhere)}, which declare it"
    )
