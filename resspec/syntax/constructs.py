"""Constructs of programming languages that people try in a spec: what a spec has in their place."""

from __future__ import annotations

import re
from typing import NamedTuple

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.syntax import errors

NEAR = 200  # characters before a mistake in which its step begins


class Construct(NamedTuple):
    """A construct that the language lacks ("a spec has no loops"), and what to write instead."""

    name: str
    instead: str


_LOOPS = Construct(
    "loops", "repeat a layer or a group: `3 x conv 3x3, 64`, `3 x { conv 3x3, 64 -> relu }`"
)
_CONDITIONS = Construct(
    "conditions around layers",
    "choose a value, `64 if width > 32 else 16`, or leave layers out by their count, "
    "`(width > 32) x conv 1x1, 64`",
)
_LOGIC = Construct(
    "`and`, `or` and `not`",
    "nest choices, `a if first else b if second else c`, or counts, `(first) x (second) x …`",
)
_COMPARISONS = Construct(
    "chained comparisons", "compare two: `(stride > 1) x …`, `64 if width > 32 else 16`"
)
_FUNCTIONS = Construct(
    "other functions",
    "the functions are `min`, `max`, `ceil`, `floor`, `round` and `divisible`; `//` rounds down",
)
_TYPES = Construct("types", "leave it out: a parameter takes a number, a size, a block or a layer")
_CONSTANTS = Construct("variables", "declare a constant: `let width = 64`")
_BLOCKS = Construct(
    "functions", "declare a block: `block unit(width) = conv 3x3, width -> bn -> relu`"
)
_CLASSES = Construct(
    "classes", "declare a block, `block unit { … }`, or a network, `network net { … }`"
)
_IMPORTS = Construct("imports", '`use he2015` reads a library, and `use "file.res"` another file')
_LISTS = Construct(
    "lists", "give one value for each argument; paths are written `concat { a | b }`"
)
_ATTRIBUTES = Construct("attributes or packages", "call a layer by its name alone: `conv 3x3, 64`")

_OF_WORDS = {
    "for foreach while until loop repeat times break continue": _LOOPS,
    "if else elif elseif then switch case match when": _CONDITIONS,
    "and or not xor is": _LOGIC,
    "def function func fn fun lambda": _BLOCKS,
    "class struct module object": _CLASSES,
    "import from include require using": _IMPORTS,
    "var const val set": _CONSTANTS,
    "int float bool str string double": _TYPES,
    "abs len sum sqrt range": _FUNCTIONS,
    "return yield": Construct("`return`", "leave it out: the last layer gives the result"),
    "pass": Construct("`pass`", "`identity` is the layer that does nothing"),
    "assert": Construct("`assert`", "`expect params <= 25M`, in a network"),
    "print": Construct("`print`", "leave it out; `resspec report` shows what a network costs"),
    "self nn": _ATTRIBUTES,
}
_WORDS = {word: found for words, found in _OF_WORDS.items() for word in words.split()}
_SIGNS = {
    "%": Construct("`%`", "the remainder of `a / b` is `a - a // b * b`"),
    "^": Construct("powers", "write `2 * 2 * 2`"),
    "?": _CONDITIONS,
    "!": _LOGIC,
    "&": _LOGIC,
    "<": _COMPARISONS,
    ">": _COMPARISONS,
    "[": _LISTS,
}
_TYPED = re.compile(r":[ \t]*(?:int|float|bool|str|string|double|[A-Z]\w*)\b")
_ATTRIBUTE = re.compile(r"\.[A-Za-z_]")
_BEGINS_STEP = re.compile(r"->|[|{};=\n]")
_CLAUSE = re.compile(
    r"[ \t]*(?:(?:let|stem|head|preact|residual|after|block|input)\b[ \t]*"
    r"|(?:stage[ \t]+)?[\w.\-]+:[ \t]*)*"
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_OPTION = re.compile(r"\bshortcut[ \t]+(?:[\w.\-]+:[ \t]*)?([A-Za-z_]\w*)[ \t]+(if)\b")
_LAW = re.compile(r"[ \t]+\w+[ \t]*(?::|\w+[ \t]*=|[;}#\n]|\Z)")
_LAST_WORD = re.compile(r"([A-Za-z_]\w*)[ \t]*\Z")
_LIST_OF_SIZES = re.compile(r"\[[ \t]*(\d+)[ \t]*,[ \t]*(\d+)(?:[ \t]*,[ \t]*(\d+))?[ \t]*\]")
_LAYERS_JOINED = re.compile(r"[ \t]*([A-Za-z_]\w*)[ \t]*\Z")
_NUMBER = re.compile(r"[ \t]*[\d()+\-*/ \t]+\Z")


def of_word(span: Span) -> Diagnostic | None:
    """Return the error of an undeclared name that opens a construct of other languages."""
    known = _WORDS.get(span.text)
    return errors.construct(span, *known) if known else None


def opens_construct(span: Span) -> bool:
    """Return whether a construct begins with the word.

    Before a kind of layer and a colon, or a law and its arguments, `int` is `init` misspelled.
    """
    is_law = span.text == "int" and _LAW.match(span.source.text, span.end)
    return span.text in _WORDS and not is_law


def construct(source: Source, span: Span, allowed: dict[str, str]) -> Diagnostic | None:
    """Return the mistake of a construct around the place where a text stops to make sense.

    Args:
        source: The text.
        span: The word that is not allowed at its place.
        allowed: The terminals that are allowed there, with their texts.
    """
    start = _start_of_step(source.text, span.start)
    return (
        _option(source, span)
        or _by_words(source, start, span)
        or _by_sign(source, start, span, allowed)
    )


def _option(source: Source, span: Span) -> Diagnostic | None:
    """Return the error of a choice between shortcut options where one is used."""
    line = source.text.rfind("\n", 0, span.start) + 1
    used = _OPTION.search(source.text, line, span.end)
    if not used:
        return None
    instead = f"declare it first: `let option = {used[1]} if …`, then `shortcut option`"
    return errors.construct(Span(source, *used.span(2)), "choices in `shortcut`", instead)


def _start_of_step(text: str, end: int) -> int:
    """Return where the step begins, after the words of its clause and its label."""
    near = max(0, end - NEAR)
    separators = [found.end() for found in _BEGINS_STEP.finditer(text, near, end)]
    start = separators[-1] if separators else near
    clause = _CLAUSE.match(text, start, end)
    return clause.end() if clause else start


def _by_words(source: Source, start: int, span: Span) -> Diagnostic | None:
    """Look at the first word of the step, at the word before the error, and at the error itself."""
    text = source.text
    first = _WORD.match(text, start, span.end)
    before = _LAST_WORD.search(text, start, span.start)
    here = _WORD.match(text, span.start, span.end)
    words = (found for found in (first, before, here) if found)
    places = [found.span(found.lastindex or 0) for found in words]
    for place in places:
        word = Span(source, *place)
        if (mistake := of_word(word)) and not _is_declared(text, word.text):
            return mistake
    return None


def _by_sign(source: Source, start: int, span: Span, allowed: dict[str, str]) -> Diagnostic | None:
    text, sign = source.text, span.text[:1]
    before, after = text[start : span.start], text[span.start : span.start + NEAR]

    if sign == ":" and _TYPED.match(after):
        return errors.construct(span, *_TYPES)
    if sign == "(" and (called := _LAST_WORD.search(text, start, span.start)):
        return _called(source, start, Span(source, *called.span(1)))
    if sign == "[" and (sides := _LIST_OF_SIZES.match(after)):
        size = "x".join(side for side in sides.groups() if side)
        return errors.construct(span, _LISTS.name, f"a size is written `{size}`")
    if sign == "." and _ATTRIBUTE.match(span.text) and re.search(r"[A-Za-z_]\w*\Z", before):
        return errors.construct(span, *_ATTRIBUTES)
    if sign == "=" and text[span.start - 1 : span.start] == "=":
        return errors.construct(Span(source, span.start - 1, span.end), *_COMPARISONS)
    if sign == "*" and before.endswith("*"):
        return errors.construct(Span(source, span.start - 1, span.end), *_SIGNS["^"])
    if sign in ("+", "*") and "->" in allowed.values() and (layer := _LAYERS_JOINED.match(before)):
        merge = "add" if sign == "+" else "mul"
        other = _WORD.match(after[1:].lstrip(" \t"))
        paths = f"write `{merge} {{ {layer[1]} | {other[0] if other else '…'} }}`"
        return errors.construct(span, f"`{sign}` between layers", paths)
    if sign == "*" and _NUMBER.match(before) and (layer := _WORD.match(after[1:].lstrip(" \t"))):
        return errors.construct(span, "`*` for repeats", f"write `{before.strip()} x {layer[0]}`")
    known = _SIGNS.get(sign)
    compares = sign in ("<", ">") and "COMPARISON" in allowed
    return errors.construct(span, *known) if known and not compares else None


def _called(source: Source, start: int, name: Span) -> Diagnostic:
    """Return the error of a call in parentheses inside a value or before a declaration's `=`."""
    line = source.text[source.text.rfind("\n", 0, name.start) + 1 : name.start]
    if re.search(r"\blet[ \t]+\Z", line):
        return errors.construct(
            name, "constants with parameters", f"`block {name.text}(…) = …` takes parameters"
        )
    if re.search(r"[A-Za-z_]\w*[ \t]*\([ \t]*\Z", source.text[start : name.start]):
        return errors.construct(
            name, "calls in calls", "layers follow one another: `conv 3x3, 64 -> relu`"
        )
    return errors.construct(name, *_FUNCTIONS)


def _is_declared(text: str, word: str) -> bool:
    """Return whether the text declares the word: as a block, constant, network or parameter."""
    declared = rf"\b(?:block|let|shortcut|network)[ \t]+{word}\b|[(,][ \t]*{word}[ \t]*[,)=]"
    return re.search(declared, text) is not None
