"""Anti-unification: several terms to one pattern, with a hole wherever their numbers may differ."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from resspec.importing.antiunify.terms import (
    BlockBody,
    BlockTerm,
    ItemTerm,
    LayerTerm,
    NamedTerm,
    RepeatTerm,
    RowTerm,
    Term,
)
from resspec.ir.formulas import plain
from resspec.ir.shape import Name

CHANNELS = "channels"  # the role of all numbers that count channels
_CHANNELS = {"out_channels", "out_features", "groups", "start", "stop", "num_groups"}


class UnlikeError(Exception):
    """These terms have no pattern that one would write."""


class HasParameters(Protocol):
    """The properties that a pattern needs to know of the family of a block inside."""

    def arguments(self, body: BlockBody) -> Mapping[str, tuple[str, Any]]:
        """Return the role and the value of each parameter."""


@dataclass(eq=False)
class Hole:
    """A number: its value in each body, None in those that do not have it. Holes of one role can
    share a parameter.
    """

    role: str
    key: str
    member: str
    values: tuple[Any, ...]


@dataclass(eq=False)
class LayerPattern:
    """A layer with holes for its fields."""

    kind: str
    holes: dict[str, Hole]


@dataclass(eq=False)
class NamedPattern:
    """A pattern under its name in a row."""

    name: Name
    pattern: Pattern


@dataclass(eq=False)
class RepeatPattern:
    """The same items several times."""

    count: int
    items: tuple[ItemPattern, ...]


@dataclass(eq=False)
class RowPattern:
    """Modules that run one after the other."""

    items: tuple[ItemPattern, ...]


@dataclass(eq=False)
class BlockPattern:
    """A module of a family, with holes for its parameters."""

    family: HasParameters
    holes: dict[str, Hole]


@dataclass(eq=False)
class ChoicePattern:
    """Different modules in different bodies: which bodies have each."""

    options: tuple[tuple[tuple[bool, ...], Pattern], ...]


ItemPattern = NamedPattern | RepeatPattern
Pattern = LayerPattern | RowPattern | BlockPattern | ChoicePattern


def walk(pattern: Pattern | ItemPattern) -> Iterator[Pattern]:
    """Yield a pattern and all that it is made of, in the order in which it is written."""
    match pattern:
        case NamedPattern(pattern=inner):
            yield from walk(inner)
        case RepeatPattern(items=items):
            for item in items:
                yield from walk(item)
        case RowPattern(items=items):
            yield pattern
            for item in items:
                yield from walk(item)
        case ChoicePattern(options=options):
            yield pattern
            for _, option in options:
                yield from walk(option)
        case _:
            yield pattern


def holes(pattern: Pattern) -> Iterator[Hole]:
    """Yield the holes of a pattern."""
    for part in walk(pattern):
        if isinstance(part, LayerPattern | BlockPattern):
            yield from part.holes.values()


def matched(pattern: Pattern, term: Term, body: int) -> Iterator[tuple[Hole, Any]]:
    """Yield each hole of a pattern with what stands there in the term of a body.

    Raises:
        UnlikeError: The pattern is not one of this term.
    """
    match pattern, term:
        case LayerPattern(kind=kind, holes=found), LayerTerm(kind=other, fields=fields):
            if kind != other or found.keys() != dict(fields).keys():
                raise UnlikeError
            yield from ((found[key], plain(value)) for key, value in fields)
        case RowPattern(items=patterns), RowTerm(items=items):
            yield from _matched_items(patterns, items, body)
        case BlockPattern(family=family, holes=found), BlockTerm(body=inner):
            given = family.arguments(inner)
            yield from ((hole, given[key][1]) for key, hole in found.items())
        case ChoicePattern(options=options), _:
            chosen = next(option for bodies, option in options if bodies[body])
            yield from matched(chosen, term, body)
        case _:
            raise UnlikeError


def _matched_items(
    patterns: Sequence[ItemPattern], items: Sequence[ItemTerm], body: int
) -> Iterator[tuple[Hole, Any]]:
    if len(patterns) != len(items):
        raise UnlikeError
    for pattern, item in zip(patterns, items, strict=True):
        match pattern, item:
            case NamedPattern(name=name), NamedTerm(name=other) if name == other:
                yield from matched(pattern.pattern, item.term, body)
            case RepeatPattern(count=count), RepeatTerm(count=other) if count == other:
                yield from _matched_items(pattern.items, item.items, body)
            case _:
                raise UnlikeError


class Generalizer:
    """Patterns of terms, given the family of each body."""

    def __init__(self, families: Mapping[BlockBody, HasParameters]) -> None:
        self._families = families

    def pattern(self, terms: Sequence[Term | None], member: str) -> Pattern:
        """Return the pattern of one term for each body, None where a body has none.

        Raises:
            UnlikeError: The terms differ in more than their numbers.
        """
        heads = dict.fromkeys(self._head(term) for term in terms if term is not None)
        if len(heads) > 1:
            return ChoicePattern(tuple([self._option(terms, head, member) for head in heads]))
        match next(term for term in terms if term is not None):
            case LayerTerm() as layer:
                return _layer(layer, cast(Sequence[LayerTerm | None], terms), member)
            case RowTerm(items=items):
                rows = [cast(RowTerm, term).items if term else None for term in terms]
                return RowPattern(self._items(items, rows, member))
            case BlockTerm(body=body):
                return self._block(
                    self._families[body], cast(Sequence[BlockTerm | None], terms), member
                )

    def skeleton(self, term: Term | ItemTerm) -> Hashable:
        """Return a term without its numbers: equal skeletons make patterns without choices."""
        match term:
            case NamedTerm(name=name, term=inner):
                return name, self.skeleton(inner)
            case RepeatTerm(count=count, items=items):
                return count, tuple(map(self.skeleton, items))
            case RowTerm(items=items):
                return tuple(map(self.skeleton, items))
            case _:
                return self._head(term)

    def _option(
        self, terms: Sequence[Term | None], head: Hashable, member: str
    ) -> tuple[tuple[bool, ...], Pattern]:
        chosen = [term if term is not None and self._head(term) == head else None for term in terms]
        return tuple(term is not None for term in chosen), self.pattern(chosen, member)

    def _head(self, term: Term) -> Hashable:
        match term:
            case LayerTerm(kind=kind, fields=fields):
                return kind, tuple(name for name, _ in fields)
            case RowTerm(items=items):
                return _structure(items)
            case BlockTerm(body=body):
                return id(self._families[body])

    def _block(
        self, family: HasParameters, terms: Sequence[BlockTerm | None], member: str
    ) -> BlockPattern:
        given = [family.arguments(term.body) if term else None for term in terms]
        known = next(arguments for arguments in given if arguments is not None)
        found = {}
        for name, (role, _) in known.items():
            values = tuple(arguments[name][1] if arguments else None for arguments in given)
            found[name] = Hole(role, name, member, values)
        return BlockPattern(family, found)

    def _items(
        self, items: Sequence[ItemTerm], rows: Sequence[Sequence[ItemTerm] | None], member: str
    ) -> tuple[ItemPattern, ...]:
        found: list[ItemPattern] = []
        for i, item in enumerate(items):
            column = [row[i] if row is not None else None for row in rows]
            if isinstance(item, RepeatTerm):
                inner = [cast(RepeatTerm, each).items if each else None for each in column]
                found.append(RepeatPattern(item.count, self._items(item.items, inner, member)))
            else:
                terms = [cast(NamedTerm, each).term if each else None for each in column]
                label = item.name.at() if item.name.prefix else member
                found.append(NamedPattern(item.name, self.pattern(terms, label)))
        return tuple(found)


def _structure(items: Sequence[ItemTerm]) -> Hashable:
    return tuple(
        [
            item.name if isinstance(item, NamedTerm) else (item.count, _structure(item.items))
            for item in items
        ]
    )


def _layer(layer: LayerTerm, layers: Sequence[LayerTerm | None], member: str) -> LayerPattern:
    given = [dict(other.fields) if other else None for other in layers]
    found = {}
    for key, _ in layer.fields:
        values = tuple(plain(fields[key]) if fields else None for fields in given)
        found[key] = Hole(_role(layer, key), key, member, values)
    return LayerPattern(layer.kind, found)


def _role(layer: LayerTerm, key: str) -> str:
    if key in _CHANNELS and layer.kind != "shuffle":
        return CHANNELS
    return layer.kind if key == "p" else key
