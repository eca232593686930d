"""Imported networks by the names of their sources, with values from Python or a command line. Each
is imported once per process.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from resspec.diagnostics import UsageError
from resspec.importing.imported import Imported, ImportOptions, import_source
from resspec.importing.sources import source_of

_SIZE = re.compile(r"\d{1,9}(?:x\d{1,9}){0,2}", re.ASCII)
_WORDS = {"true": True, "false": False, "none": None}

_known: dict[tuple[str, str], Imported] = {}


def imported(word: str, values: Mapping[str, Any]) -> Imported:
    """Return a network as commands import it: folded, its outputs not compared.

    Args:
        word: The name of its source.
        values: Its `input`; all others are arguments of the callable that makes it.

    Raises:
        SpecError, UsageError: It cannot be imported.
    """
    given = {name: value for name, value in values.items() if name != "output"}
    dims = sizes(given.pop("input", None))
    arguments = {name: argument(value) for name, value in given.items()}
    key = word, repr((dims, arguments))
    if key not in _known:
        source = source_of(word)
        assert source is not None
        options = ImportOptions(dims, arguments, verifies=False)
        _known[key] = import_source(source, options)
    return _known[key]


def sizes(input: object) -> tuple[int, ...]:
    """Return the sizes of `3x32x32`, `160x192`, `224` or a tuple. Raises UsageError."""
    match input:
        case None | "" | ():
            return ()
        case int():
            return (input,)
        case tuple() | list() if len(input) <= 3 and all(isinstance(each, int) for each in input):
            return tuple(input)
        case str() if _SIZE.fullmatch(input.strip()):
            return tuple(map(int, input.strip().split("x")))
        case _:
            what = "write a size such as 224, 160x192 or, with channels, 3x224x224"
            raise UsageError(f"{input!r} is not an input: {what}")


def argument(value: object) -> object:
    """Return a value of a command line as Python has it: `64`, `0.1`, `true`, `[3, 4]`, a word."""
    if not isinstance(value, str):
        return value
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value
