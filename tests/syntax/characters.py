"""Every character, where one may stand in a text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from resspec.diagnostics import Diagnostic, SpecError
from resspec.syntax.parse import parse_partly, read

PLACES = {
    "identifier": "block a%sb = relu\n",
    "between": "block a %s = relu\n",
    "string": 'use "a%sb.res"\n',
    "comment": "block a = relu # a%s # b\n",
}
SURROGATES = range(0xD800, 0xE000)
_NAMED = {"\0": "NUL", "\r": "carriage return", "\ufeff": "byte-order mark"}


def boundaries() -> Iterator[int]:
    """Yield characters at the boundaries of Unicode categories and of UTF-8 lengths.

    For each category: its first and last, and those of each of its rows if it has few.
    """
    yield from (0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF)
    rows: dict[str, int] = {}
    before = ""
    for point in range(0x110000):
        category = unicodedata.category(chr(point))
        if category != before and point not in SURROGATES:
            rows[category] = rows.get(category, 0) + 1
            if rows[category] <= 12:
                yield point
                if point and point - 1 not in SURROGATES:
                    yield point - 1
        before = category


def assert_named(point: int) -> None:
    """Check that a comment or string accepts a character, or that one diagnostic names it."""
    char = chr(point)
    for place, text in PLACES.items():
        found = _found(text % char)
        if _may_stand(place, char):
            assert found == [], (hex(point), place, found)
        elif char in "\t\n" or (char.isascii() and char.isprintable()):
            assert found, (hex(point), place)  # a part of the language, where it makes no sense
        else:
            name = _NAMED[char] if char in _NAMED else unicodedata.name(char, f"U+{point:04X}")
            assert len(found) == 1, (hex(point), place, found)
            assert found[0].code in ("E0101", "E0103"), (hex(point), place, found)
            assert name in found[0].message, (hex(point), place, found)
            assert found[0].labels[0].span.text == char, (hex(point), place, found)


def _may_stand(place: str, char: str) -> bool:
    if place == "comment":
        return char in "\t\n" or char.isprintable()
    if place == "string":
        return char == "\t" or (char != '"' and char.isprintable())
    if place == "identifier":
        return char.isascii() and (char.isalnum() or char == "_")
    return char in " \t\n"


def _found(text: str) -> list[Diagnostic]:
    try:
        return parse_partly(read("t.res", text.encode())).mistakes
    except SpecError as error:
        return list(error.diagnostics)
