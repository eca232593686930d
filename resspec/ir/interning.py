"""One object for equal values: identity is equality, so that a plain dict remembers what was found
of an object.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar
from weakref import ref

T = TypeVar("T")

_made: dict[tuple[type, Any], ref[Any]] = {}


class Interned(type):
    """The class of classes whose instances are made once for equal fields, and forgotten when
    nobody holds them.

    Such a class is a dataclass with `eq=False`. Fields that are interned themselves, such as the
    children of a node, are compared by identity: to find a node takes no walk.
    """

    _values: Callable[[Any], Any] | None

    def __init__(cls, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cls._values = None

    def __call__(cls: type[T], *args: Any, **kwargs: Any) -> T:
        made = object.__new__(cls)
        made.__init__(*args, **kwargs)  # type: ignore[misc]
        key = cls, (cls._values or _reader(cls))(made)  # type: ignore[attr-defined]
        known = _made.get(key)
        if known is not None and (found := known()) is not None:
            return found  # type: ignore[no-any-return]
        _made[key] = ref(made, partial(_made.pop, key))
        return made


def _reader(cls: Any) -> Callable[[Any], Any]:
    """Return what reads all fields of an instance at once."""
    names = [field.name for field in fields(cls)]
    cls._values = attrgetter(*names) if names else _nothing
    return cls._values  # type: ignore[no-any-return]


def _nothing(_: Any) -> tuple[()]:
    return ()
