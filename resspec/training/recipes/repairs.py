"""Values that were likely meant by a wrong one, proposed where the key can have them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from resspec.suggest import alike, only
from resspec.training.recipes.fields import Key
from resspec.training.recipes.foreign import kind_of
from resspec.training.recipes.scalars import Trap, parsed, quoted, read
from resspec.training.recipes.tree import Scalar

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_WITH_UNIT = re.compile(rf"({_NUMBER})\s*([A-Za-z]+)")
_FRACTION = re.compile(rf"({_NUMBER})\s*/\s*({_NUMBER})")
_EPOCHS = {"e", "ep", "eps", "epoch", "epochs"}
_ITERATIONS = {
    "i",
    "it",
    "its",
    "iter",
    "iters",
    "iteration",
    "iterations",
    "s",
    "step",
    "steps",
    "batch",
    "batches",
    "update",
    "updates",
}
_OFF = {"none", "no", "off", "false", "nil", "nan", "never", "disabled", "0", "0.0", "n"}


def repaired(scalar: Scalar, key: Key, path: str = "") -> tuple[str, ...]:
    """Return values that a scalar may mean and its key can have, likeliest first, as YAML."""
    found = []
    for text in (kind_of(path, scalar.text), *_candidates(scalar, key)):
        value = _value(text)
        if not isinstance(value, Trap) and key.fits(value):
            found.append(text)
    return tuple(dict.fromkeys(found))


def _value(text: str) -> Any:
    if text.startswith("["):
        return (parsed(text.strip("[]")),)
    return parsed(text)


def _candidates(scalar: Scalar, key: Key) -> Iterator[str]:
    text = scalar.text.strip()
    if len(text) > 60:
        return
    value = read(scalar)
    if isinstance(value, Trap):
        yield from value.instead
    if scalar.quoted:
        yield text
    plain = _ascii(text)
    yield plain
    yield from _numbers(plain)
    yield from _lengths(plain)
    if plain.lower() in ("1", "1.0", "t", "y", "yes", "on", "true"):
        yield "true"
    if plain.lower() in ("0", "0.0", "f", "n", "no", "off", "false"):
        yield "false"
    if plain.lower() in _OFF:
        yield "null"
    yield f"[{plain}]"
    if near := only(alike(plain.replace("_", "-"), key.choices)):
        yield near
    yield from (choice for choice in key.choices if choice.lower() == plain.lower())
    if not scalar.quoted:
        yield quoted(text)


def _ascii(text: str) -> str:
    """Return a text with the digits of all scripts as 0 to 9, and look-alikes of minus as minus."""
    digits = (str(unicodedata.decimal(char, char)) for char in text)
    return "".join(digits).replace("−", "-").replace("–", "-")


def _numbers(text: str) -> Iterator[str]:
    with suppress(ValueError, OverflowError):
        if (number := float(text)) == int(number):
            yield str(int(number))
    if text.endswith("%"):
        with suppress(ValueError):
            yield f"{float(text[:-1].strip()) / 100:.12g}"
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", text):
        yield text.replace(",", ".")
        yield text.replace(",", "")
    if found := _FRACTION.fullmatch(text):
        with suppress(ZeroDivisionError, ValueError, OverflowError):
            yield f"{float(found[1]) / float(found[2]):.6g}"
    if found := _WITH_UNIT.fullmatch(text):
        yield found[1]


def _lengths(text: str) -> Iterator[str]:
    found = _WITH_UNIT.fullmatch(text)
    if found is None:
        return
    with suppress(ValueError, OverflowError):
        number = float(found[1])
        shown = f"{number:.12g}" if number != int(number) else str(int(number))
        word = found[2].lower()
        if word in _EPOCHS:
            yield f"{shown} epochs"
        if word in _ITERATIONS:
            yield f"{shown} iterations"
        if word[0] == "k" and word[1:].strip() in _ITERATIONS:
            yield f"{number * 1000:.12g} iterations"
