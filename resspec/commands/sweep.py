"""`--sweep`: several values for a parameter, and every combination of several parameters."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Sequence
from itertools import product

from resspec.commands.given import setting
from resspec.commands.parsing import AppendOnce
from resspec.diagnostics import UsageError

Settings = dict[str, str]


def takes_sweep(command: ArgumentParser) -> None:
    command.add_argument(
        "--sweep",
        type=_sweep,
        action=AppendOnce,
        default=[],
        metavar="NAME=A,B,…",
        help="one row per value of a parameter; several sweeps give every combination",
    )


def combinations(sweeps: Sequence[tuple[str, str]], fixed: Settings) -> list[Settings]:
    """Return the values of every row, the last parameter varying fastest; one row without a sweep.

    Args:
        sweeps: The names of parameters, each with its values as one text.
        fixed: Values of parameters that all rows have.

    Raises:
        UsageError: A parameter has a value already.
    """
    for name, values in sweeps:
        if name in fixed:
            raise UsageError(
                f"`{name}` is already set to {fixed[name]}, so it cannot be swept over {values}"
            )
    names = [name for name, _ in sweeps]
    columns = (_split(values) for _, values in sweeps)
    return [dict(zip(names, row, strict=True)) for row in product(*columns)]


def _sweep(text: str) -> tuple[str, str]:
    """Return a parameter and its values as one text, for argparse."""
    name, values = setting(text)
    pieces = list(_split(values))
    if not all(pieces):
        raise ArgumentTypeError(f"{text!r} has an empty value: write NAME=A,B,C")
    for piece in pieces:
        if pieces.count(piece) > 1:
            raise ArgumentTypeError(f"{text!r} has the value {piece} twice")
    return name, values


def _split(values: str) -> Iterator[str]:
    """Yield the values between commas; those in brackets belong to a list, which is one value."""
    depth, start = 0, 0
    for i, character in enumerate(values):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            yield values[start:i].strip()
            start = i + 1
    yield values[start:].strip()
