"""The contents of modules as data that can be compared; shapes and places do not count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from resspec.ir.shape import Name
from resspec.passes.schedule import ApplyStatement, LoopStatement, Schedule

Path = tuple[Name, ...]


@dataclass(frozen=True)
class LayerTerm:
    """A layer with its fields; `fields` has them by name."""

    kind: str
    fields: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class NamedTerm:
    """A module under its name in a row."""

    name: Name
    term: Term


@dataclass(frozen=True)
class RepeatTerm:
    """The same items several times; their names grow."""

    count: int
    items: tuple[ItemTerm, ...]


@dataclass(frozen=True)
class RowTerm:
    """Modules that run one after the other."""

    items: tuple[ItemTerm, ...]


@dataclass(frozen=True)
class BlockTerm:
    """A module that is more than a row."""

    body: BlockBody


@dataclass(eq=False)
class BlockBody:
    """A distinct body of the modules of one kind.

    Attributes:
        kind: What the block is called.
        schedule: What it runs.
        channels: How many enter and leave.
    """

    kind: str
    schedule: Schedule
    channels: tuple[int, int]
    name: str = field(default="")


ItemTerm = NamedTerm | RepeatTerm
Term = LayerTerm | RowTerm | BlockTerm


def inner_bodies(schedule: Schedule) -> Iterator[BlockBody]:
    """Yield the bodies of the modules that a schedule runs."""
    for statement in schedule.statements:
        match statement:
            case ApplyStatement(what=term):
                yield from _bodies(term)
            case LoopStatement(body=body):
                yield from inner_bodies(body)
            case _:
                pass


def _bodies(term: Term | ItemTerm) -> Iterator[BlockBody]:
    match term:
        case BlockTerm(body=body):
            yield body
        case RowTerm(items=items) | RepeatTerm(items=items):
            for item in items:
                yield from _bodies(item)
        case NamedTerm(term=inner):
            yield from _bodies(inner)
        case LayerTerm():
            pass
