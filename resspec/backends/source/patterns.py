"""Anti-unification: several terms to one pattern, with a hole wherever their arguments may differ."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from resspec.backends.source.copied import positions
from resspec.backends.source.terms import Instance, Item, Leaf, Many, One, Path, Row, Term, Value
from resspec.ir.init import Init
from resspec.ir.ops.layer import Ramp, short
from resspec.ir.shape import Shape

if TYPE_CHECKING:
    from resspec.backends.source.families import Class

CHANNELS = "channels"  # the role of all arguments that count channels
_CHANNELS = {
    "in_channels",
    "out_channels",
    "in_features",
    "out_features",
    "num_features",
    "num_channels",
    "normalized_shape",
    "amount",
    "channels",
    "groups",
    "start",
    "stop",
}


class UnalikeError(Exception):
    """These terms have no pattern that one would write."""


@dataclass(eq=False)
class Hole:
    """An argument: its value in each body, None in those that do not have it. Holes of one role can share a parameter.
    `looped`: a repeat inside the class is the nearest, which ramps refer to."""

    role: str
    key: str
    member: str
    values: tuple[Value | None, ...]
    looped: bool


@dataclass(eq=False)
class LeafPattern:
    module: str
    positional: tuple[Hole, ...]
    keywords: dict[str, Hole]
    inits: tuple[Init | None, ...]
    leaf: Leaf


@dataclass(eq=False)
class OnePattern:
    names: Path
    pattern: Pattern
    output: Shape


@dataclass(eq=False)
class ManyPattern:
    count: int
    items: tuple[ItemPattern, ...]


@dataclass(eq=False)
class RowPattern:
    items: tuple[ItemPattern, ...]


@dataclass(eq=False)
class InstancePattern:
    cls: Class
    arguments: dict[str, Hole]


@dataclass(eq=False)
class Choice:
    """Different modules in different bodies: which bodies have each."""

    options: tuple[tuple[tuple[bool, ...], Pattern], ...]


ItemPattern = OnePattern | ManyPattern
Pattern = LeafPattern | RowPattern | InstancePattern | Choice


def walk(pattern: Pattern | ItemPattern) -> Iterator[Pattern]:
    """A pattern and all that it is made of, in the order in which it is written."""
    match pattern:
        case LeafPattern() | InstancePattern():
            yield pattern
        case OnePattern(pattern=inner):
            yield from walk(inner)
        case RowPattern(items=items) | ManyPattern(items=items):
            if isinstance(pattern, RowPattern):
                yield pattern
            for item in items:
                yield from walk(item)
        case Choice(options=options):
            yield pattern
            for _, option in options:
                yield from walk(option)


def holes(pattern: Pattern) -> Iterator[Hole]:
    for part in walk(pattern):
        match part:
            case LeafPattern(positional=positional, keywords=keywords):
                yield from (*positional, *keywords.values())
            case InstancePattern(arguments=arguments):
                yield from arguments.values()
            case _:
                pass


class Generaliser:
    """Patterns of terms, given the class of each body, by its `id`."""

    def __init__(self, classes: dict[int, Class]) -> None:
        self._classes = classes

    def pattern(self, terms: Sequence[Term | None], member: str, *, looped: bool) -> Pattern:
        """The pattern of one term for each body, None where a body has none. Raises UnalikeError."""
        heads = dict.fromkeys(self._head(term) for term in terms if term is not None)
        if len(heads) > 1:
            options = []
            for head in heads:
                chosen = [
                    term if term is not None and self._head(term) == head else None
                    for term in terms
                ]
                options.append(
                    (
                        tuple(term is not None for term in chosen),
                        self.pattern(chosen, member, looped=looped),
                    )
                )
            return Choice(tuple(options))
        match next(term for term in terms if term is not None):
            case Leaf() as leaf:
                return _leaf(leaf, cast(Sequence[Leaf | None], terms), member, looped)
            case Row(items=items):
                rows = [cast(Row, term).items if term else None for term in terms]
                return RowPattern(self._items(items, rows, member, looped))
            case Instance(body=body):
                cls = self._classes[id(body)]
                given = [
                    cls.arguments(cast(Instance, term).body) if term else None for term in terms
                ]
                return InstancePattern(
                    cls,
                    {
                        p.name: Hole(
                            p.role,
                            p.name,
                            member,
                            tuple(g[p.name] if g else None for g in given),
                            looped,
                        )
                        for p in cls.parameters
                    },
                )

    def skeleton(self, term: Term | Item) -> Hashable:
        """A term without its arguments: equal skeletons make patterns without choices."""
        match term:
            case One(names=names, term=inner):
                return names, self.skeleton(inner)
            case Many(count=count, items=items):
                return count, tuple(map(self.skeleton, items))
            case Row(items=items):
                return tuple(map(self.skeleton, items))
            case _:
                return self._head(term)

    def _head(self, term: Term) -> Hashable:
        """What two terms must share to be one pattern without a choice at the top."""
        match term:
            case Leaf(module=module):
                return module
            case Row(items=items):
                return _structure(items)
            case Instance(body=body):
                return id(self._classes[id(body)])

    def _items(
        self,
        first: Sequence[Item],
        rows: Sequence[Sequence[Item] | None],
        member: str,
        looped: bool,
    ) -> tuple[ItemPattern, ...]:
        found: list[ItemPattern] = []
        for i, item in enumerate(first):
            column = [row[i] if row is not None else None for row in rows]
            if isinstance(item, Many):
                inner = [cast(Many, many).items if many else None for many in column]
                found.append(ManyPattern(item.count, self._items(item.items, inner, member, True)))
            else:
                terms = [cast(One, one).term if one else None for one in column]
                label = item.names[0].at() if item.names[0].prefix else member
                found.append(
                    OnePattern(item.names, self.pattern(terms, label, looped=looped), item.output)
                )
        return tuple(found)


def _structure(items: Sequence[Item]) -> Hashable:
    return tuple(
        item.names if isinstance(item, One) else (item.count, _structure(item.items))
        for item in items
    )


def _leaf(leaf: Leaf, leaves: Sequence[Leaf | None], member: str, looped: bool) -> LeafPattern:
    order = [f.name for f in fields(leaf.layer)]
    keys = {key for other in leaves if other for key, _ in other.arguments}
    found = {}
    for key in sorted(
        keys, key=lambda key: (order.index(key) if key in order else len(order), key)
    ):
        values = tuple(_argument(other, key) if other else None for other in leaves)
        found[key] = Hole(_role(leaf, key), key, member, values, looped)
    positional = [key for key in positions(leaf.module) if key in found]
    keywords = {key: hole for key, hole in found.items() if key not in positional}
    inits = tuple(dict.fromkeys(other.init for other in leaves if other))
    return LeafPattern(leaf.module, tuple(found[key] for key in positional), keywords, inits, leaf)


def _role(leaf: Leaf, key: str) -> str:
    if leaf.module == "ChannelShuffle":
        return "groups"
    if key in _CHANNELS:
        return CHANNELS
    return leaf.layer.kind if key == "p" else key


def _argument(leaf: Leaf, key: str) -> Value:
    """An argument of a call, or the layer's field of that name where the call leaves it at torch's default."""
    given = dict(leaf.arguments)
    if key in given:
        return given[key]
    if not hasattr(leaf.layer, key):
        raise UnalikeError
    match getattr(leaf.layer, key):
        case (int(), int()) as size:
            return short(size)
        case Fraction() as number:
            return float(number)
        case None:
            return False
        case value:
            return cast(Ramp | int | bool, value)
