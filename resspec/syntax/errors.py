"""E01: text and syntax. Each function's docstring is the page of its code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import takewhile

from resspec.diagnostics import Diagnostic, Fix, at
from resspec.source import Label, Source, Span
from resspec.suggest import any_of, only

MAX_BYTES = 1 << 20
ODD_CHARACTER, CLOSES_NOTHING, ENDS_EARLY = "E0103", "E0105", "E0109"
OF_BRACES = ("E0104", "E0105", "E0109")
OF_THE_WHOLE = ("E0110", "E0113", "E0114")
_ASCII = {
    "“": '"',
    "”": '"',
    "×": "x",
    "−": "-",
    "–": "-",
    "→": "->",
    "‘": "'",
    "’": "'",
}
_LOOK_ALIKES = (
    (
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u043a\u043c\u0442",
        "aeopcyxijskmt",
    ),
    ("\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425", "ABEKMHOPCTX"),
    ("\u03b1\u03bf\u03bd\u03c1\u03b9\u03ba\u03c5\u0391\u0392\u0395\u0397\u039f", "aovpikuABEHO"),
)  # letters of Cyrillic, in both cases, and of Greek
for _letters, _ascii in _LOOK_ALIKES:
    _ASCII |= dict(zip(_letters, _ascii, strict=True))
DECLARATIONS = ("use", "let", "block", "shortcut", "network")
NETWORK_CLAUSES = (
    "input", "stem", "stage", "stages", "head", "output", "shortcut", "init", "replace", "expect",
    "let",
)  # fmt: skip
BLOCK_CLAUSES = ("preact", "residual", "shortcut", "after", "let")
OPENINGS = (*DECLARATIONS, *NETWORK_CLAUSES, *BLOCK_CLAUSES)


def not_text(source: Source, offset: int, what: str, help: str) -> Diagnostic:
    """E0101: the file is not plain UTF-8 text: binary, a lone CR, or a byte-order mark inside."""
    place = Span(source, offset, offset + 1)
    fix = Fix(place, "\n" if place.text == "\r" else "") if help == "remove it" else None
    return Diagnostic(
        "E0101", what, (Label(place),), "write a line feed" if place.text == "\r" else help, fix=fix
    )


def not_a_spec(file: str, kind: str, *, is_weights: bool) -> Diagnostic:
    """Return an E0101 about a binary file that was given as a spec."""
    help = "a spec is a text file, usually named `NAME.res`"
    if is_weights:
        help = "name the spec that belongs to these weights; a run keeps it in `spec.res`"
    labels = (Label(Span.of_file(file)),)
    remedy = "weights" if is_weights else None
    return Diagnostic("E0101", f"this is {kind}, not a spec", labels, help, remedy=remedy)


def too_large(source: Source) -> Diagnostic:
    """E0102: a spec of more than 1 MiB."""
    message = f"the file has more than {MAX_BYTES:,} bytes"
    return at("E0102", message, Span(source, 0, 0), "repeats and templates make specs small")


def odd_character(span: Span, *, unseen: bool = False) -> Diagnostic:
    """E0103: a character that is not part of the language, or invisible in a comment or string."""
    char = span.text
    name = unicodedata.name(char, f"U+{ord(char):04X}")
    shown = f"`{char}` ({name})" if char.isprintable() else name
    plain = _plain(char)
    letter = "write an ASCII letter" if char.isalpha() else "remove this character"
    help = letter if not plain else f"write `{plain}`" if plain.strip() else "write a plain space"
    what = "is invisible" if unseen else "is not part of the language"
    return Diagnostic(ODD_CHARACTER, f"{shown} {what}", (Label(span),), help, fix=_in_ascii(span))


def _plain(char: str) -> str | None:
    """Return what a character looks like or means in ASCII."""
    form = unicodedata.normalize("NFKC", char)
    return _ASCII.get(char) or (
        form if form != char and form.isascii() and form.isprintable() else None
    )


def _in_ascii(span: Span) -> Fix | None:
    """Return a fix of all such characters in a row, and of both quotes of a string."""
    after = span.source.text[span.start : span.start + 1000]
    if quoted := re.match('“([^"“”\n]*)”', after):
        return Fix(Span(span.source, span.start, span.start + quoted.end()), f'"{quoted[1]}"')
    if span.text in "“”" or not (_plain(span.text) or unicodedata.category(span.text) == "Cf"):
        return None
    row = "".join(takewhile(lambda char: _plain(char) and char not in "“”", after)) or span.text
    return Fix(
        Span(span.source, span.start, span.start + len(row)),
        "".join(_plain(char) or "" for char in row),
    )


def unclosed(opening: Span, end: Span, what: str) -> Diagnostic:
    """E0104: a brace or parenthesis is never closed."""
    return Diagnostic(
        "E0104",
        f"this `{opening.text}` is never closed",
        (Label(opening, "opened here"), Label(end, what)),
        f"add `{'}' if opening.text == '{' else ')'}` where it should end",
    )


def closes_nothing(span: Span) -> Diagnostic:
    """E0105: a closing brace or parenthesis without its opening one."""
    message = f"this `{span.text}` closes nothing"
    return at(CLOSES_NOTHING, message, span, "remove it, or add the opening one before it")


def unterminated(span: Span) -> Diagnostic:
    """E0106: a string that does not end on its line."""
    return at("E0106", "this string does not end on its line", span, 'add the closing `"`')


def missing_comma(span: Span) -> Diagnostic:
    """E0107: arguments are separated by commas; `64 /2` divides nothing and strides nothing."""
    word = span.text
    other = f", or `-> {word}` if it is the next layer" if word[:1].isalpha() else ""
    name = re.search(
        r", *([A-Za-z_]\w*) +\Z", span.source.text[max(0, span.start - 200) : span.start]
    )
    if name and not word[:1].isalpha() and word[:1] != "/":  # `groups 2`
        other = f", or `{f'/{word}' if name[1] == 'stride' else f'{name[1]}={word}'}`"
    if word[:1] == "/":
        other = f"; a slash before a space divides: `/ {word[1:]}`" if len(word) > 1 else ""
    blank = len(span.source.text[: span.start].rstrip(" \t"))
    fix = (
        Fix(Span(span.source, blank, span.start), ", ")
        if word[:1] == "/" and word[1:] and blank < span.start
        else None
    )
    return Diagnostic(
        "E0107",
        "a comma is missing between two arguments",
        (Label(span, "this is another argument"),),
        f"write `, {word}`{other}",
        fix=fix,
    )


def unexpected(span: Span, expected: str, help: str | None = None) -> Diagnostic:
    """E0108: a word that is not allowed at its place."""
    found = f"`{span.text}` is not allowed here" if span.text.strip() else "the line ends too early"
    return at("E0108", found, span, help or (f"expected {expected}" if expected else None))


def bare_count(count: Span) -> Diagnostic:
    """E0121: the count of a repeat is a number or a name; a computed count needs parentheses."""
    message, counted = "a computed count needs parentheses", f"({count.text})"
    return at("E0121", message, count, f"write `{counted} x …`", instead=counted)


def ends_early(span: Span, expected: str, whole: str) -> Diagnostic:
    """E0109: the file ends inside a declaration, or a budget before it is complete."""
    message = f"the {whole} ends too early"
    if whole == "file":
        message = "the file ends inside a declaration"
    return at(ENDS_EARLY, message, span, f"next comes {expected}")


def too_deep(span: Span, limit: int) -> Diagnostic:
    """E0110: braces, parentheses, operators or repeats nested too deeply."""
    help = "give a part a name with `block` or `let`"
    return at("E0110", f"nested more than {limit} levels deep", span, help)


def too_many_digits(span: Span, limit: int) -> Diagnostic:
    """E0111: a number with more digits than any network needs."""
    help = f"use {limit} digits at most, zeros included"
    return at("E0111", "this number is too long", span, help)


def no_size(span: Span, meant: str | None = None) -> Diagnostic:
    """E0112: a size has two numbers, `3x3`; an input has up to three, `3x224x224`."""
    help = f"write `{meant}`" if meant else "write `3x3`, or for an input `3x224x224`"
    return at("E0112", f"`{span.text}` is not a size", span, help)


def foreign(span: Span, language: str) -> Diagnostic:
    """E0113: the text is of another language: YAML, Python, JSON."""
    help = "a spec starts with `network NAME {`; see grammar/README.md"
    return at("E0113", f"this looks like {language}, not like a spec", span, help)


def empty(source: Source) -> Diagnostic:
    """E0114: a file without a declaration."""
    end = Span(source, len(source.text), len(source.text))
    help = "declare a network: `network NAME { … }`"
    return at("E0114", "the file declares nothing", end, help)


def misspelt(span: Span, what: str, near: Sequence[str]) -> Diagnostic:
    """E0115: a clause or declaration begins with a word that the language does not have."""
    message, help = f"no {what} is called `{span.text}`", f"did you mean {any_of(near)}?"
    return at("E0115", message, span, help, instead=only(near))


def colon(span: Span, name: str) -> Diagnostic:
    """E0116: an argument with a colon: `groups: 2`. A colon ends a label."""
    after = span.source.text[span.end :]
    over = Span(span.source, span.start, span.end + len(after) - len(after.lstrip(" \t")))
    value = re.match(r"[A-Za-z0-9_.]*", after.lstrip(" \t"))
    return Diagnostic(
        "E0116",
        "this colon does not end a label",
        (Label(span),),
        f"an argument takes `=`: `{name}={value[0] if value and value[0] else '…'}`",
        fix=Fix(over, "="),
    )


def no_label(span: Span) -> Diagnostic:
    """E0117: a label without its colon."""
    labeled = f"{span.text}:"
    return at("E0117", "this label has no colon", span, f"write `{labeled}`", instead=labeled)


def spaced_stride(span: Span, number: str) -> Diagnostic:
    """E0118: the slash of a stride does not touch its number."""
    signs = re.match(r"/[/ \t]*", span.source.text[span.start :])
    fix = Fix(Span(span.source, span.start, span.start + signs.end()), "/") if signs else None
    return Diagnostic(
        "E0118",
        "this slash does not touch its number",
        (Label(span),),
        f"write the stride `/{number}`",
        fix=fix,
    )


def construct(span: Span, what: str, instead: str) -> Diagnostic:
    """E0120: a construct of programming languages that specs do not have."""
    return at("E0120", f"a spec has no {what}", span, instead)


def misspelt_unit(span: Span, number: str, unit: str) -> Diagnostic:
    """E0119: a unit that does not exist, or that does not touch its number."""
    prefix = re.sub(r"(?:FLOP|MAC)S?\Z", "", unit, flags=re.IGNORECASE)
    meant = number
    if unit not in ("b", "B"):
        meant += prefix.upper().replace("I", "i")
    wrong = f"no unit is called `{unit}`"
    if meant.endswith(unit):
        wrong = "this unit does not touch its number"
    return at("E0119", wrong, span, f"did you mean `{meant}`?", instead=meant)
