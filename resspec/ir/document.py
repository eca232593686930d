"""JSON documents: read strictly, and with the place in the text of what is wrong.

Twice the same key, numbers that JSON does not have, and nesting without end are refused: what is
read is what is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

from resspec.diagnostics import UsageError
from resspec.ir.shape import exact

T = TypeVar("T")

# objects and lists in each other; a network nests at most 180 nodes, each of them three of these
MAX_DEPTH = 600

Path = tuple[str | int, ...]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


class DocumentError(UsageError):
    """A text that is not a document of its schema.

    Attributes:
        what: What is wrong.
        path: The keys and indices that lead to the value.
        offset: The character of the text where it is wrong, if no path leads there.
    """

    def __init__(self, schema: str, what: str, path: Path = (), offset: int | None = None) -> None:
        where = ".".join(map(str, path))
        super().__init__(
            f"this is not a {schema} document: {f'{where}: ' if where else ''}{what}", "E0402"
        )
        self.schema, self.what, self.path, self.offset = schema, what, path, offset


class _Twice(ValueError):
    """A key that an object has twice."""


class _Constant(ValueError):
    """A number that JSON does not have."""


def parse(text: str | bytes, schema: str) -> dict[str, Any]:
    """Return the object that a text holds. Raises DocumentError."""
    try:
        text = text if isinstance(text, str) else text.decode()
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise DocumentError(schema, f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise DocumentError(schema, f"it nests more than {MAX_DEPTH} levels deep") from None
    except json.JSONDecodeError as error:
        raise DocumentError(schema, f"it is not JSON: {error.msg}", offset=error.pos) from None
    except _Twice as error:
        raise DocumentError(
            schema, f"`{error}` is given twice", offset=_second(str(text))
        ) from None
    except _Constant as error:
        raise DocumentError(
            schema, f"{error} is not a JSON number", offset=_token(str(text), str(error))
        ) from None
    except ValueError:  # of more digits than Python converts
        raise DocumentError(
            schema, "it has a number with too many digits", offset=_token(str(text), None)
        ) from None
    if not isinstance(found, dict):
        raise DocumentError(schema, "it is not an object")
    if _depth(found) > MAX_DEPTH:
        raise DocumentError(schema, f"it nests more than {MAX_DEPTH} levels deep")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(next(key for key in keys if keys.count(key) > 1))
    return found


def _refuse_constant(name: str) -> None:
    raise _Constant(name)


def _depth(document: Any) -> int:
    """Return how deep objects and lists nest, without recursion."""
    depth, level = 0, [document]
    while level:
        depth += 1
        parts = [list(each.values()) if isinstance(each, dict) else each for each in level]
        level = [value for part in parts for value in part if isinstance(value, dict | list)]
    return depth


# --- values ---

MOST = 10**40  # a number beyond it is none of a network


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A value of a document, and the keys that lead to it. What it should be and is not raises
    DocumentError.
    """

    schema: str
    value: Any
    path: Path

    def wrong(self, what: str) -> DocumentError:
        """Return the error of this value."""
        return DocumentError(self.schema, what, self.path)

    def __getitem__(self, key: Any) -> JsonValue:
        if not isinstance(self.value, dict):
            raise self.wrong("it is not an object")
        if key not in self.value:
            raise self.wrong(f"it has no `{key}`")
        return JsonValue(self.schema, self.value[key], (*self.path, key))

    def has(self, *keys: str, optional: Collection[str] = ()) -> None:
        """Check that an object has these keys and no others."""
        for key in keys:
            self[key]
        for key in self.value:
            if key not in keys and key not in optional:
                raise self[key].wrong("there is no such key")

    def items(self) -> list[JsonValue]:
        """Return the values of a list."""
        if not isinstance(self.value, list):
            raise self.wrong("it is not a list")
        return [
            JsonValue(self.schema, value, (*self.path, i)) for i, value in enumerate(self.value)
        ]

    def values(self) -> dict[str, JsonValue]:
        """Return the values of an object."""
        if not isinstance(self.value, dict):
            raise self.wrong("it is not an object")
        return {key: self[key] for key in self.value}

    def optional(self, key: str, read: Callable[[JsonValue], T]) -> T | None:
        """Return what `read` makes of a value that may be missing or null."""
        if key not in self.value or self.value[key] is None:
            return None
        return read(self[key])

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("it is not a text")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("it is neither true nor false")
        return self.value

    def one_of(self, known: Collection[str]) -> Any:
        if self.text() not in known:
            raise self.wrong(f"it must be one of {', '.join(known)}, not {self.value!r:.40}")
        return self.value

    def integer(self) -> int:
        if type(self.value) is not int or abs(self.value) >= MOST:
            raise self.wrong("it is not a whole number")
        return self.value

    def whole(self) -> int:
        """Return a whole number that is not negative."""
        if self.integer() < 0:
            raise self.wrong("it is not a whole number, 0 or more")
        return self.integer()

    def fraction(self) -> Fraction:
        if type(self.value) is int:
            return Fraction(self.whole())
        return self.parsed(exact)

    def pair(self) -> tuple[JsonValue, JsonValue]:
        parts = self.items()
        if len(parts) != 2:
            raise self.wrong("it must have two values, height and width")
        return parts[0], parts[1]

    def parsed(self, parse: Callable[[str], T]) -> T:
        """Return what `parse` makes of a text; its ValueError says what is wrong."""
        return self.converted(parse, self.text())

    def converted(self, convert: Callable[[Any], T], value: Any = None) -> T:
        """Return what `convert` makes of the value; its ValueError says what is wrong."""
        try:
            return convert(self.value if value is None else value)
        except ValueError as error:
            raise self.wrong(str(error)) from None


# --- places ---


class Place(NamedTuple):
    """A value in a text, or a key that stands `twice` in its object."""

    path: Path
    start: int
    end: int
    twice: bool = False


def find(text: str, error: DocumentError) -> tuple[int, int]:
    """Return the range of a text where an error of its document is: of the nearest value that there
    is.
    """
    if error.offset is not None:
        return error.offset, min(error.offset + 1, len(text))
    best = Place((), 0, 0)
    for place in places(text):
        if place.path == error.path[: len(place.path)] and len(place.path) >= len(best.path):
            best = place
    return best.start, best.end


def _second(text: str) -> int:
    return next((place.start for place in places(text) if place.twice), 0)


def _token(text: str, name: str | None) -> int:
    """Return where a word stands, or, without one, a number of thousands of digits."""
    for place in places(text):
        word = text[place.start : place.end]
        if word == name if name else len(word) > 4000 and word[0] != '"':
            return place.start
    return 0


def places(text: str) -> Iterator[Place]:
    """Yield all values of a text that is JSON, or begins as JSON, each with the keys to it.

    It ends where the text nests more than MAX_DEPTH levels deep: no such document is read, and the
    paths of all its values would take time that is quadratic in the length of the text.
    """
    path: list[str | int] = []
    keys: list[set[str]] = []  # of each open object; empty for a list
    expects_key = False
    for token in _TOKEN.finditer(text):
        if len(path) > MAX_DEPTH:
            return
        sign = token[0]
        if sign in "{[":
            yield Place(tuple(path), token.start(), token.start() + 1)
            keys.append(set())
            path.append("" if sign == "{" else 0)
            expects_key = sign == "{"
        elif sign in "}]":
            if not path:
                return
            path.pop()
            keys.pop()
            expects_key = False
        elif sign == ",":
            if path and isinstance(path[-1], int):
                path[-1] += 1
            expects_key = bool(path) and isinstance(path[-1], str)
        elif sign == ":":
            expects_key = False
        elif expects_key and path:
            key = _unquoted(sign)
            yield from (
                [Place((*path[:-1], key), *token.span(), twice=True)] if key in keys[-1] else []
            )
            keys[-1].add(key)
            path[-1] = key
        else:
            yield Place(tuple(path), *token.span())


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text
