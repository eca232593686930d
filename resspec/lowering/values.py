"""Values: numbers, sizes, booleans, and the declarations that are passed as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeGuard

from resspec.lowering.functions import Number
from resspec.lowering.scope import Library
from resspec.source import Span
from resspec.syntax import ast

Presets = Mapping[str, tuple[Any, Span]]  # a value, or a word that a layer takes, and its place
NO_PRESETS: Presets = MappingProxyType({})


class _Reference:
    """A declaration passed as a value. Two are equal if they are the same declaration with the same
    arguments given.

    Attributes:
        presets: The arguments that are given already, each with its place.
    """

    def __init__(
        self,
        name: str,
        library: Library | None,
        declaration: ast.Block | ast.Option | None,
        presets: Presets,
    ) -> None:
        self.name = name
        self.library = library
        self.presets = presets
        self.arguments = tuple([(word, type(it), it) for word, (it, _) in presets.items()])
        self._key = (name, declaration and declaration.name.span, self.arguments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reference) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


class BlockRef(_Reference):
    """A block, or a layer kind where `block` is None."""

    def __init__(
        self,
        name: str,
        block: ast.Block | None,
        library: Library | None,
        presets: Presets = NO_PRESETS,
    ) -> None:
        super().__init__(name, library, block, presets)
        self.block = block


class OptionRef(_Reference):
    """A shortcut option; `option` None is the built-in `identity` or `none`."""

    def __init__(
        self,
        name: str,
        option: ast.Option | None,
        library: Library | None,
        presets: Presets = NO_PRESETS,
    ) -> None:
        super().__init__(name, library, option, presets)
        self.option = option


@dataclass(frozen=True)
class Entries:
    """A list, an entry for each of several stages."""

    values: tuple[Value, ...]


class Unknown:
    """The value of what was wrong already: it silences what follows from it."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()
Value = Number | bool | tuple[int, ...] | BlockRef | OptionRef | Entries | Unknown


def describe(value: Value) -> str:
    """A value in an author's words."""
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            return f"the size {'x'.join(map(str, value))}"
        case Entries():
            return "a list"
        case BlockRef(name=name):
            return f"the block `{name}`" if value.block else f"the layer `{name}`"
        case OptionRef(name=name):
            return f"the shortcut option `{name}`"
        case _:
            return f"{value}"


def is_number(value: object) -> TypeGuard[Number]:
    """Return whether a value is a number; booleans are none."""
    return isinstance(value, int | Fraction) and not isinstance(value, bool)
