"""The changes of a structure in few lines: the same change at several places is one line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from resspec.backends.diff.compare import Detail
from resspec.backends.diff.structure import Blocks, ChangePlace, Structure, StructureChange

Values = tuple[tuple[str, str], ...]

_FEW = 3  # places or values that are listed; of more, how many there are
_OF_BLOCKS = ("replaced", "shortcut", "added", "removed")


class ChangeLine(NamedTuple):
    """A line about a change.

    Attributes:
        sign: `+` for b alone, `-` for a alone, `~` for both.
        where: Names of places.
        lines: `file:line` of both sides.
    """

    sign: str
    where: str
    what: str
    lines: str


class _Seen(NamedTuple):
    """One detail of a change, at all steps of it that have it."""

    change: StructureChange
    at: tuple[str, ...]
    detail: Detail

    @property
    def lines(self) -> str:
        """The lines of both sides; the calls say more than a library's line that both share."""
        a, b = self.detail.a_span, self.detail.b_span
        places = self.change.places
        if a == b and len(places) == 2:
            a, b = places[0].span, places[1].span
        return _both((a, b))


def lines(structure: Structure) -> list[ChangeLine]:
    """Return lines: sections and block counts, then additions and removals, then changes."""
    counted: dict[str, list[StructureChange]] = {each.section: [] for each in structure.blocks}
    sections: list[StructureChange] = []
    alone: list[StructureChange] = []
    both: list[StructureChange] = []
    for change in structure.changes:
        if change.kind not in ("added", "removed"):
            both.append(change)
        elif change.whole:
            sections.append(change)
        else:
            counted.get(change.section, alone).append(change)
    blocks = (_blocks(each, counted[each.section]) for each in structure.blocks)
    return [*_one_sided(sections), *blocks, *_one_sided(alone), *_details(both)]


def many(at: ChangePlace) -> str:
    """Return the content of a place, and how often it occurs."""
    return f"{at.times} × {at.holds}" if at.times > 1 else at.holds


def said(detail: Detail) -> str:
    """Return a detail as text: `stride 2 → 1`."""
    return _what(detail.what, ((detail.a, detail.b),))


def _one_sided(changes: list[StructureChange]) -> Iterator[ChangeLine]:
    """Yield the same addition or removal at several places once."""
    equal = defaultdict[tuple[str, str], list[ChangePlace]](list)
    for change in changes:
        (at,) = change.places
        equal[_sign(change), many(at)].append(at)
    for (sign, what), places in equal.items():
        names = _listed([at.name for at in places])
        count = f"{len(places)} × " if len(places) > _FEW + 1 else ""
        spans = _first(_line(at.span) for at in places)
        yield ChangeLine(sign, names, count + what, spans)


def _blocks(blocks: Blocks, changes: list[StructureChange]) -> ChangeLine:
    parts = [f"{blocks.a} → {blocks.b} block{'s' * (blocks.b != 1)}"]
    for change in changes[:_FEW]:
        (at,) = change.places
        parts.append(f"{_sign(change)} {many(at)} ({at.name})")
    if len(changes) > _FEW:
        parts.append(f"{len(changes) - _FEW} more")
    return ChangeLine("~", blocks.section, ", ".join(parts), _both(blocks.spans))


def _sign(change: StructureChange) -> str:
    return "-" if change.kind == "removed" else "+"


def _details(changes: list[StructureChange]) -> Iterator[ChangeLine]:
    """Yield a line for each detail that changes have in common."""
    together = defaultdict[Hashable, list[_Seen]](list)
    for seen in _seen(changes):
        together[seen.detail.what, seen.at, _common(seen.detail)].append(seen)

    merged = defaultdict[tuple[str, Values], list[_Seen]](list)
    for group in together.values():
        values = tuple(dict.fromkeys((seen.detail.a, seen.detail.b) for seen in group))
        merged[group[0].detail.what, values] += group
    for (what, values), group in merged.items():
        spans = _first(seen.lines for seen in group)
        yield ChangeLine("~", _where(group), _what(what, values), spans)


def _seen(changes: list[StructureChange]) -> Iterator[_Seen]:
    for change in changes:
        equal = defaultdict[Hashable, list[Detail]](list)
        for detail in change.details:
            equal[detail.what, detail.a, detail.b].append(detail)
        for details in equal.values():
            places = tuple(dict.fromkeys(detail.at for detail in details))
            yield _Seen(change, places, details[0])


def _common(detail: Detail) -> tuple[Hashable, ...]:
    """Return what details on one line share: the sides that have a value, or its kind."""
    if detail.what in ("shortcut", "replaced"):
        return _kind(detail.a), _kind(detail.b)
    return bool(detail.a), bool(detail.b)


def _kind(shortcut: str) -> str:
    """Return `projection` of `projection (conv 1x1, 64 → bn)`."""
    return shortcut.partition(" (")[0]


def _what(what: str, values: Values) -> str:
    if what == "shortcut" and len(values) > 1:
        values = tuple((_kind(a), _kind(b)) for a, b in values)
    a, b = (_listed(list(dict.fromkeys(side))) for side in zip(*values, strict=True))
    match what:
        case "replaced":
            return f"{a} → {b}"
        case "added":
            return f"+ {b}"
        case "removed":
            return f"- {a}"
        case _ if a and b:
            return f"{what} {a} → {b}"
        case _:
            return f"{what} {a and f'- {a}'}{b and f'+ {b}'}".rstrip()


def _where(group: list[_Seen]) -> str:
    """Return places: `conv1 of layer2.0, layer3.0`, `conv2 of 16 blocks in layer1, layer2`."""
    names = [seen.change.places[-1].name for seen in group]
    sections = _listed(list(dict.fromkeys(seen.change.section for seen in group)))
    is_many = len(group) > _FEW
    if len({seen.at for seen in group}) > 1:
        if is_many:
            return f"{sum(len(seen.at) for seen in group)} layers in {sections}"
        pairs = zip(names, group, strict=True)
        return ", ".join(f"{name}.{at}".rstrip(".") for name, seen in pairs for at in seen.at)
    inside = ", ".join(filter(None, group[0].at))
    steps = _listed(names)
    if is_many:
        is_of_blocks = inside or group[0].detail.what in _OF_BLOCKS
        steps = f"{len(names)} {'blocks' if is_of_blocks else 'layers'} in {sections}"
    return f"{inside} of {steps}" if inside else steps


def _listed(values: list[str]) -> str:
    return ", ".join(values) if len(values) <= _FEW + 1 else f"{values[0]} … {values[-1]}"


def _first(places: Iterable[str]) -> str:
    first, *others = dict.fromkeys(places)
    return f"{first} and {len(others)} more" if others else first


def _both(spans: tuple[str, str]) -> str:
    return " → ".join(dict.fromkeys(map(_line, spans)))


def _line(span: str) -> str:
    """Return `file:line` of `file:line:column-line:column`."""
    return span.rsplit(":", 2)[0] if span.count(":") >= 3 else span
