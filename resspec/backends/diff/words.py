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


def place(span: str) -> str:
    """Return `file:line` of `file:line:column-line:column`."""
    return span.rsplit(":", 2)[0] if span.count(":") >= 3 else span


def _one_sided(changes: list[StructureChange]) -> Iterator[ChangeLine]:
    """Yield the same addition or removal at several places once."""
    alike: dict[tuple[str, str], list[ChangePlace]] = {}
    for change in changes:
        if at := change.a or change.b:
            alike.setdefault(("-" if change.a else "+", many(at)), []).append(at)
    for (sign, what), places in alike.items():
        names = _listed([at.name for at in places])
        more = f"{len(places)} × " if len(places) > _FEW + 1 else ""
        spans = _first(place(at.span) for at in places)
        yield ChangeLine(sign, names, more + what, spans)


def many(at: ChangePlace) -> str:
    """Return the content of a place, and how often it occurs."""
    return f"{at.times} × {at.holds}" if at.times > 1 else at.holds


def _blocks(blocks: Blocks, changes: list[StructureChange]) -> ChangeLine:
    signed = [("-", c.a) if c.a else ("+", c.b) for c in changes]
    parts = [f"{sign} {many(at)} ({at.name})" for sign, at in signed if at]
    listed = parts if len(parts) <= _FEW else [*parts[:_FEW], f"{len(parts) - _FEW} more"]
    what = f"{blocks.a} → {blocks.b} block{'s' * (blocks.b != 1)}"
    return ChangeLine("~", blocks.section, ", ".join([what, *listed]), _both(blocks.spans))


def _details(changes: list[StructureChange]) -> Iterator[ChangeLine]:
    together = defaultdict[Hashable, list[_Seen]](list)
    for seen in _seen(changes):
        together[seen.detail.what, seen.at, _words(seen.detail)].append(seen)

    merged = defaultdict[tuple[str, Values], list[_Seen]](list)
    for group in together.values():
        values = tuple(dict.fromkeys((seen.detail.a, seen.detail.b) for seen in group))
        merged[group[0].detail.what, values] += group
    for (what, values), group in merged.items():
        yield ChangeLine("~", _where(group), _what(what, values), _first(map(_lines, group)))


def _seen(changes: list[StructureChange]) -> Iterator[_Seen]:
    for change in changes:
        alike = defaultdict[Hashable, list[Detail]](list)
        for detail in change.details:
            alike[detail.what, detail.a, detail.b].append(detail)
        for details in alike.values():
            places = tuple(dict.fromkeys(detail.at for detail in details))
            yield _Seen(change, places, details[0])


def _words(detail: Detail) -> tuple[str, str]:
    """Return what two details must share to be on one line: their sides and kinds of shortcuts."""
    a, b = _kinds(detail.a, detail.b)
    return (a, b) if detail.what in ("shortcut", "replaced") else (a and "a", b and "b")


def _kinds(a: str, b: str) -> tuple[str, str]:
    """Return `projection` for `projection (conv 1x1, 64 → bn)`, of both sides."""
    return a.split(" (", maxsplit=1)[0], b.split(" (", maxsplit=1)[0]


def said(detail: Detail) -> str:
    """Return a detail as text: `stride 2 → 1`."""
    return _what(detail.what, ((detail.a, detail.b),))


def _what(what: str, values: Values) -> str:
    if what == "shortcut" and len(values) > 1:
        values = tuple(_kinds(a, b) for a, b in values)
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


def _listed(values: list[str]) -> str:
    return ", ".join(values) if len(values) <= _FEW + 1 else f"{values[0]} … {values[-1]}"


def _where(group: list[_Seen]) -> str:
    """Return places: `conv1 of layer2.0, layer3.0`, `conv2 of 16 blocks in layer1, layer2`."""
    names = [place.name for seen in group if (place := seen.change.b or seen.change.a)]
    ats = list(dict.fromkeys(seen.at for seen in group))
    sections = list(dict.fromkeys(seen.change.section for seen in group))
    if len(ats) > 1 and len(group) > _FEW:
        return f"{sum(len(seen.at) for seen in group)} layers in {_listed(sections)}"
    if len(ats) > 1:
        places = [(name, at) for name, seen in zip(names, group, strict=True) for at in seen.at]
        return ", ".join(f"{name}.{at}" if at else name for name, at in places)
    inside = ", ".join(filter(None, ats[0]))
    steps = _listed(names)
    if len(names) > _FEW:
        is_of_blocks = inside or group[0].detail.what in _OF_BLOCKS
        noun = "blocks" if is_of_blocks else "layers"
        steps = f"{len(names)} {noun} in {_listed(sections)}"
    return f"{inside} of {steps}" if inside else steps


def _first(places: Iterable[str]) -> str:
    first, *others = dict.fromkeys(places)
    return f"{first} and {len(others)} more" if others else first


def _lines(seen: _Seen) -> str:
    """Return the lines of both sides; the calls say more than a library's line that both share."""
    detail, change = seen.detail, seen.change
    if detail.a_span == detail.b_span and change.a and change.b:
        return _both((change.a.span, change.b.span))
    return _both((detail.a_span, detail.b_span))


def _both(spans: tuple[str, str]) -> str:
    return " → ".join(dict.fromkeys(map(place, spans)))
