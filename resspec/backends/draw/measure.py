"""The approximate width of a text: Helvetica's advances, and a little more for other fonts."""

from __future__ import annotations

from math import ceil

_NARROW, _WIDE = frozenset("ijlI.,:;'|!/ ()[]{}-fr"), frozenset("mwMWOQ@%")


def width(text: str, size: float) -> float:
    """Return the width of a text in pixels, an even number, so that its middle is whole."""
    return 2 * ceil(size * sum(map(_advance, text)) / 2)


def shortened(text: str, size: float, most: float) -> str:
    """Return a long name with `…` in place of its beginning: names differ at the end."""
    whole = text
    while text and width(whole if text == whole else f"…{text}", size) > most:
        text = text.partition(".")[2] if "." in text else text[1:]
    return text if text == whole else f"…{text}"


def _advance(character: str) -> float:
    if not character.isascii():
        return 1.05
    return (
        0.36
        if character in _NARROW
        else 0.9
        if character in _WIDE
        else 0.72
        if character.isupper()
        else 0.58
    )
