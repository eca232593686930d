"""One object for equal values: identity is equality, so that a plain dict remembers what was found
of an object.
"""

from __future__ import annotations

from typing import Any, TypeVar
from weakref import ref

T = TypeVar("T")


class Interned(type):
    """The class of classes whose instances are made once for equal fields, and forgotten when
    nobody holds them.

    Such a class is a dataclass with `eq=False`. Fields that are interned themselves, such as the
    children of a node, are compared by identity: to find a node takes no walk.
    """

    def __call__(cls: type[T], *args: Any, **named: Any) -> T:
        made = None
        names: tuple[str, ...] = cls.__match_args__  # type: ignore[attr-defined]
        if named or len(args) != len(names):
            made = _instance(cls, args, named)
            args = tuple([getattr(made, name) for name in names])
        key = (cls, *args)
        known = _made.get(key)
        if known is not None and (found := known()) is not None:
            return found  # type: ignore[no-any-return]
        if made is None:
            made = _instance(cls, args, named)
        entry = _made[key] = _Entry(made, _forget)
        entry.key = key
        return made


class _Entry(ref[Any]):
    """A weak reference to an instance, which knows its key in the table."""

    __slots__ = ("key",)
    key: tuple[Any, ...]


_made: dict[tuple[Any, ...], _Entry] = {}


def _instance(cls: type[T], args: tuple[Any, ...], named: dict[str, Any]) -> T:
    made = object.__new__(cls)
    made.__init__(*args, **named)  # type: ignore[misc]
    return made


def _forget(entry: _Entry) -> None:
    """Remove an instance that is gone, unless an equal one has taken its place."""
    if _made.get(entry.key) is entry:
        del _made[entry.key]
