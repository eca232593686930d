"""Every call of a network in one run, as data, before any of it is known to be a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resspec.importing.graph import ModulePath

BATCH = 1009  # samples of a recorded run: a size that no other axis has


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that the network computed.

    Attributes:
        index: Its number; a tensor that is written over has a new one.
        dims: Its sizes, with the batch axis.
    """

    index: int
    dims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter or buffer of the network.

    Attributes:
        path: Its full name.
        dims: Its sizes.
        is_parameter: Whether it is learned.
    """

    path: ModulePath
    dims: tuple[int, ...]
    is_parameter: bool = True


@dataclass(frozen=True, slots=True)
class Called:
    """A function that the network called, or a module whose inside is not recorded.

    Attributes:
        name: The function's name, `conv2d`, or the class of a module, `DropPath`.
        args: Its arguments: a `Value` or `Weight` for each tensor, and numbers, words and lists.
        kwargs: Those that have names; of a module, its attributes.
        result: What it returned: a `Value`, or a list of several.
        path: The module that called it.
        visit: The number of the call of that module, which may run more than once.
        place: The line of source that called it, `net.py:90`.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    result: Any
    path: ModulePath
    visit: int
    place: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A run of a network.

    Attributes:
        input: The network's input.
        calls: In the order in which they were made.
        output: What the network returned: a `Value`, or a list or dict of several.
        weights: Every parameter and buffer, by its full name.
        classes: The name of each module's class, by its path.
    """

    input: Value
    calls: tuple[Called, ...]
    output: Any
    weights: Mapping[ModulePath, Weight] = field(default_factory=dict)
    classes: Mapping[ModulePath, str] = field(default_factory=dict)
