"""The values of scalars: numbers, truth values, null, or text.

Versions of YAML disagree on many plain scalars: `010` is 8 in YAML 1.1 and 10 in 1.2, `yes` is true
or text, `1:10` is 70 or text. Recipes have what all agree on, and one thing more: a number with an
exponent and no point, such as `1e-3`, is a number. Everything else is a `Trap`, and never read
silently.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from resspec.training.recipes.tree import Scalar

Plain = str | int | float | bool | None


class Trap(NamedTuple):
    """A scalar that YAML parsers read as different values.

    Attributes:
        why: The readings, as a sentence.
        instead: What may have been meant, written unambiguously, likeliest first.
        ambiguous: Whether parsers disagree; else no recipe needs such a value.
    """

    why: str
    instead: tuple[str, ...] = ()
    ambiguous: bool = True


MOST_DIGITS = 40
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_ZERO_FIRST = re.compile(r"([-+]?)0[0-9_]+")
_OTHER_BASE = re.compile(r"([-+]?)0([xXoObB])([0-9a-fA-F_]+)")
_GROUPED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?")
_SIXTIES = re.compile(r"([-+]?)([0-9][0-9_]*(?::[0-5]?[0-9])+)(\.[0-9_]*)?")
_NOT_FINITE = re.compile(r"[-+]?\.?(inf|infinity)|\.?nan", re.IGNORECASE)

_NOTHING = {"", "~", "null", "Null", "NULL"}
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TRUE_TO_SOME = {
    "yes": "true",
    "on": "true",
    "y": "true",
    "no": "false",
    "off": "false",
    "n": "false",
}
_BASES = {"x": 16, "o": 8, "b": 2}

_RESOLVER = (
    yaml.resolver.Resolver()
)  # of YAML 1.1: whatever else it takes for something other than text
_OTHER_TYPES = {
    "timestamp": "a date",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "nothing",
    "merge": "a merge",
    "value": "a value of its own kind",
}


def read(scalar: Scalar) -> Plain | Trap:
    """Return the value of a scalar, or the trap that it is."""
    text = scalar.text
    if scalar.quoted:
        return _paired(text)
    if text in _NOTHING:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if text[0] not in "+-.0123456789":
        return _word(text)
    if len(text) > MOST_DIGITS and _looks_like_a_number(text):
        return Trap(f"this is a number of {len(text):,} characters", ambiguous=False)
    return _number(text)


def parsed(text: str) -> Plain | Trap:
    """Return the value of a scalar that is written as YAML, in single quotes or without."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return read(Scalar(text[1:-1].replace("''", "'"), quoted=True))
    return read(Scalar(text, quoted=False))


def is_truth(scalar: Scalar) -> bool:
    """Return whether a scalar is true or false, to some readers at least."""
    value = read(scalar)
    return isinstance(value, bool) or (
        isinstance(value, Trap) and value.instead[:1] in {("true",), ("false",)}
    )


def quoted(text: str) -> str:
    """Return a text in the quotes that make it text in YAML."""
    inside = text.replace("'", "''")
    return f"'{inside}'"


def _paired(text: str) -> str | Trap:
    """Return text with JSON's surrogate escapes paired; half of a pair is a trap."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return Trap("this text has an escape that is half of a character", ambiguous=False)


def _word(text: str) -> Plain | Trap:
    if meant := _TRUE_TO_SOME.get(text.lower()):
        return Trap(
            f"some YAML parsers read `{text}` as `{meant}`, others as text", (meant, quoted(text))
        )
    if _NOT_FINITE.fullmatch(text):
        return Trap(f"`{text}` is not a finite number", (quoted(text),), ambiguous=False)
    return _text(text)


def _number(text: str) -> Plain | Trap:
    if _INTEGER.fullmatch(text):
        return int(text)
    if found := _ZERO_FIRST.fullmatch(text):
        return _zero_first(text, found[1], text.replace("_", "").lstrip("+-"))
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            return Trap(f"`{text}` is too large for a number", ambiguous=False)
        return number
    if _NOT_FINITE.fullmatch(text):
        return Trap(f"`{text}` is not a finite number", (quoted(text),), ambiguous=False)
    if found := _OTHER_BASE.fullmatch(text):
        return _other_base(text, found)
    if _GROUPED.fullmatch(text):
        meant = text.replace("_", "")
        return Trap(
            f"some YAML parsers read `{text}` as a number, others as text", (meant, quoted(text))
        )
    if found := _SIXTIES.fullmatch(text):
        return _sixties(text, found)
    return _text(text)


def _text(text: str) -> str | Trap:
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    what = _OTHER_TYPES.get(tag.rpartition(":")[2])
    if what:
        return Trap(f"some YAML parsers read `{text}` as {what}, others as text", (quoted(text),))
    return _paired(text)


def _zero_first(text: str, sign: str, digits: str) -> Trap:
    decimal = f"{sign.removeprefix('+')}{int(digits)}"
    if set(digits) & set("89") or int(digits) < 8:
        return Trap(f"`{text}` is a number that begins with 0", (decimal, quoted(text)))
    octal = f"{sign.removeprefix('+')}{int(digits, 8)}"
    why = f"some YAML parsers read `{text}` as {octal} (octal), others as {decimal}"
    return Trap(why, (decimal, octal, quoted(text)))


def _other_base(text: str, found: re.Match[str]) -> Trap | str:
    base = _BASES[found[2].lower()]
    try:
        number = int(found[3].replace("_", ""), base)
    except ValueError:
        return _text(text)
    meant = f"{found[1].removeprefix('+')}{number}"
    return Trap(
        f"some YAML parsers read `{text}` as the number {meant}, others as text",
        (meant, quoted(text)),
    )


def _sixties(text: str, found: re.Match[str]) -> Trap:
    number = 0
    for part in found[2].replace("_", "").split(":"):
        number = number * 60 + int(part)
    meant = f"{found[1].removeprefix('+')}{number}{(found[3] or '').replace('_', '').rstrip('.')}"
    why = f"some YAML parsers read `{text}` as {meant} (base 60), others as text"
    return Trap(why, (quoted(text), meant))


def _looks_like_a_number(text: str) -> bool:
    return not set(text.lower()) - set("+-._:0123456789abcdefxo")
