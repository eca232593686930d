"""The numbers that options take, each read in one place and held to a range."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

from resspec.units import bytes_of

_MOST_DIGITS = 30  # more are out of every range, and Python refuses to read thousands of them


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers in a range, for argparse.

    Only the digits 0 to 9 count: `int` would take `1_0`, ` 10` and the digits of other scripts too.

    Args:
        least: The smallest number allowed, 0 or more.
        most: The largest number allowed.
    """

    def read(text: str) -> int:
        is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        if not is_number or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {least:,} to {most:,}")
        return int(text)

    return read


batch = whole(1, 10**9)
batch_for_batch_norm = whole(2, 10**9)
epochs = whole(1, 10**9)
seed = whole(0, 2**63 - 1)
seeds = whole(1, 1000)
workers = whole(0, 1024)


def seconds(text: str) -> float:
    """Return a time, at most a day, for argparse. Raises ArgumentTypeError."""
    try:
        found = float(text) if text.isascii() and "_" not in text else 0.0
    except ValueError:
        found = 0.0
    if not 0.1 <= found <= 86_400:  # also where it is not a number at all: `nan`
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0.1 to 86,400")
    return found


def size(text: str) -> int:
    """Return a number of bytes written as `24GB`, `80GiB` or `1.5GB`. Raises ArgumentTypeError."""
    try:
        return bytes_of(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
