"""The blocks of a network: a declaration for the modules of each class, or as few as read well."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, count

from resspec.importing.fold.family import Family, family
from resspec.importing.fold.options import Option
from resspec.importing.fold.repeats import compressed
from resspec.importing.fold.residual import residuals
from resspec.importing.fold.slots import UnlikeError, skeleton
from resspec.importing.fold.solver import TAKEN
from resspec.importing.fold.terms import Body, Call, Inline, Merge, Module, Row, Step, bodies


class Blocks:
    """The blocks of one network.

    Attributes:
        families: The blocks, each after those that it calls.
        options: The shortcut options.
    """

    def __init__(self, root: Body, name: str, apart: Collection[str] = ()) -> None:
        self.families: list[Family] = []
        self.options: list[Option] = []
        self._of: dict[Body, Family] = {}
        self._names = Names(name)
        for kind, group in _classes(root):
            for body in group:
                body.plain = self.resolved(body.row)
                body.written = compressed(body.plain, by_position=_is_numbered(body.row))
            if _is_block(group):
                parts = (
                    [[each] for each in group] if kind in apart else grouped(group, self.options)
                )
                worth = [part for part in parts if _is_block(part)]
                found = [family(self._names.free(kind), part, self.options) for part in worth]
                self.families += found
                self._of |= {body: each for each in found for body in each.bodies}

    def default_option(self) -> Option | None:
        """Return the option of all residual blocks, except those that add their input."""
        used = [each.option for each in self.families if each.option and each.option.declared]
        if len({option.declared for option in used}) != 1 or used[0].arguments:
            return None
        return used[0]

    def resolved(self, row: Row) -> Row:
        """Return a row whose modules are calls, or written out."""
        return tuple(map(self._resolved, row))

    def _resolved(self, step: Step) -> Step:
        match step:
            case Module(body=body, name=name) if body in self._of:
                return self._of[body].call(body, name)
            case Module(body=body, name=name):
                return Inline(body.plain, name)
            case Inline(row=row):
                return replace(step, row=self.resolved(row))
            case Merge(paths=paths):
                rows = tuple(self.resolved(path) for path in paths)
                return replace(step, paths=rows)
            case _:
                return step


def _is_numbered(row: Row) -> bool:
    """Return whether the modules in a row are named by their positions."""
    names = [step.name for step in row if isinstance(step, Call | Module | Inline) and step.name]
    return bool(names) and all(name.isdigit() for name in names)


def _classes(root: Body) -> Iterator[tuple[str, list[Body]]]:
    """Yield the bodies of each class, after those of the modules in them; a class that holds itself
    is cut by height.
    """
    height: dict[Body, int] = {}

    def measure(body: Body) -> int:
        if body not in height:
            height[body] = 1 + max(map(measure, bodies(body.row)), default=0)
        return height[body]

    measure(root)
    del height[root]
    within: dict[str, set[str]] = {}
    for body in height:
        within.setdefault(body.kind, set()).update(inner.kind for inner in bodies(body.row))
    groups: dict[tuple[int, str], list[Body]] = {}
    tallest: dict[str, int] = {}
    for body, level in height.items():
        tallest[body.kind] = max(level, tallest.get(body.kind, 0))
    for body, level in height.items():
        reaches_itself = body.kind in _reached(body.kind, within)
        key = level if reaches_itself else tallest[body.kind]
        groups.setdefault((key, body.kind), []).append(body)
    for (_, kind), group in sorted(groups.items(), key=lambda item: item[0][0]):
        yield kind, group


def _reached(kind: str, within: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [*within.get(kind, ())]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += within.get(each, ())
    return found


def _is_block(group: Sequence[Body]) -> bool:
    """Return whether these modules are worth a declaration."""
    places = sum(body.places for body in group)
    is_unknown = all(_is_placeholder(body) for body in group)  # its class is all that is known
    return places > 1 or is_unknown or residuals([body.written for body in group]) is not None


def _is_placeholder(body: Body) -> bool:
    match body.plain:
        case (Call(kind="placeholder"),):
            return True
        case _:
            return False


class Names:
    """The names of declarations, each used once."""

    def __init__(self, taken: str) -> None:
        self._taken = {taken, *TAKEN}

    def free(self, wanted: str) -> str:
        """Return a name that is not taken."""
        stem = re.sub(r"\W", "_", wanted, flags=re.ASCII) or "part"
        numbered = (f"{stem}{i}" for i in count(2))
        name = next(name for name in chain((stem,), numbered) if name not in self._taken)
        self._taken.add(name)
        return name


def grouped(found: Sequence[Body], options: list[Option]) -> list[list[Body]]:
    """Return the bodies of one class in as few groups as read well, each for a block."""
    shapes: dict[Hashable, list[Body]] = {}
    for body in sorted(found, key=lambda body: -len(body.written)):
        shapes.setdefault(skeleton(body.written), []).append(body)
    groups: list[list[Body]] = []
    for part in shapes.values():
        for group in groups:
            if _is_block_of([*group, *part], options):
                group.extend(part)
                break
        else:
            groups += [part] if _is_block_of(part, options) else [[body] for body in part]
    order = {body: i for i, body in enumerate(found)}
    groups = [sorted(group, key=order.__getitem__) for group in groups]
    return sorted(groups, key=lambda group: order[group[0]])


def _is_block_of(group: Sequence[Body], options: list[Option]) -> bool:
    """Return whether one declaration can describe these bodies."""
    try:
        family("", group, list(options))
    except UnlikeError:
        return False
    return True
