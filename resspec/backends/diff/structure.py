"""The change of a structure: sections aligned by labels, blocks and layers by their content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from resspec.backends.diff.align import aligned
from resspec.backends.diff.compare import Comparison, Detail
from resspec.backends.diff.steps import DiffStep, Keys, steps
from resspec.backends.summary import summary
from resspec.ir.fingerprint import Digests
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Parallel, Scope

_NUMBERED = re.compile(r"(.*?)([0-9]+)")
_SHOWN = 4  # layers at either end of a long row
Kind = Literal["changed", "replaced", "added", "removed"]


class ChangePlace(NamedTuple):
    """A step, several equal ones in a row, or a section.

    Attributes:
        name: Such as `layer3.6..35`.
        span: Of the first step.
    """

    name: str
    holds: str
    span: str
    times: int = 1


class StructureChange(NamedTuple):
    """The change of a block, a layer or a whole section; without a section, of the network."""

    kind: Kind
    section: str
    a: ChangePlace | None
    b: ChangePlace | None
    details: tuple[Detail, ...] = ()
    whole: bool = False


class Blocks(NamedTuple):
    """How many blocks a section has on each side."""

    section: str
    a: int
    b: int
    spans: tuple[str, str]


class Structure(NamedTuple):
    """The differences of two structures; `sections` are pairs of indices of both sides."""

    changes: tuple[StructureChange, ...]
    blocks: tuple[Blocks, ...]
    sections: tuple[tuple[int | None, int | None], ...]


def structure(a: Network, b: Network, digests: Digests) -> Structure:
    """Return the differences of two networks whose hashes differ."""
    return _Structure(Keys(digests)).networks(a, b)


def placed(found: Structure, place: Callable[[str], str]) -> Structure:
    """Return the differences with other places on the second side."""

    def moved(change: StructureChange) -> StructureChange:
        details = [each._replace(b_span=place(each.b_span)) for each in change.details]
        b = change.b and change.b._replace(span=place(change.b.span))
        return change._replace(b=b, details=tuple(details))

    blocks = [each._replace(spans=(each.spans[0], place(each.spans[1]))) for each in found.blocks]
    return found._replace(changes=tuple(map(moved, found.changes)), blocks=tuple(blocks))


class _Row(NamedTuple):
    number: int
    section: Section
    steps: list[DiffStep]


class _Structure:
    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.comparison = Comparison(keys)
        self.blocks: list[Blocks] = []

    def networks(self, a: Network, b: Network) -> Structure:
        pairs = list(aligned(_rows(a), _rows(b), self._label, _label, self._content, _kind))
        changes = [*self._input(a, b), *self._sections(pairs)]
        if not changes:
            detail = Detail("", "names or initial values", "", "", a.span, b.span)
            changes = [StructureChange("changed", "", _of_network(a), _of_network(b), (detail,))]
        sections = tuple((x and x.number, y and y.number) for x, y in pairs)
        return Structure(tuple(changes), tuple(self.blocks), sections)

    def _input(self, a: Network, b: Network) -> Iterator[StructureChange]:
        if a.input != b.input:
            detail = Detail("", "input", str(a.input), str(b.input), a.span, b.span)
            yield StructureChange("changed", "", _of_network(a), _of_network(b), (detail,))

    def _sections(self, pairs: list[tuple[_Row | None, _Row | None]]) -> Iterator[StructureChange]:
        for x, y in pairs:
            if x and y:
                yield from self._section(x, y)
            elif x:
                gone = _of_section(x.section)
                yield StructureChange("removed", gone.name, gone, None, whole=True)
            elif y:
                new = _of_section(y.section)
                yield StructureChange("added", new.name, None, new, whole=True)

    def _section(self, a: _Row, b: _Row) -> Iterator[StructureChange]:
        spans = a.section.span, b.section.span
        if _label(a) != _label(b):
            old, new = a.section.label, b.section.label
            detail = Detail("", "label", old, new, *spans)
            yield self._whole(new, detail, old)
        before, after = (sum(isinstance(step.node, Scope) for step in row.steps) for row in (a, b))
        if before != after:
            self.blocks.append(Blocks(b.section.label, before, after, spans))
        yield from self._steps(a.steps, b.steps, b.section)

    def _steps(
        self, a: list[DiffStep], b: list[DiffStep], section: Section
    ) -> Iterator[StructureChange]:
        a, b, details = self.comparison.without_lone_shortcut(a, b, "")
        for detail in details:
            yield self._whole(section.label, detail)
        pairs = self.comparison.pairs(a, b)
        shifted = any(None in pair for pair in pairs)
        scopes: set[tuple[str, str]] = set()
        names = _Merges(a, section.label), _Merges(b, section.label)
        for side, group in groupby(pairs, key=lambda pair: (pair[0] is None, pair[1] is None)):
            match side:
                case False, True:
                    for gone in self._runs([x for x, _ in group if x], names[0]):
                        yield StructureChange("removed", section.label, gone, None)
                case True, False:
                    for new in self._runs([y for _, y in group if y], names[1]):
                        yield StructureChange("added", section.label, None, new)
                case _:
                    for x, y in group:
                        assert x and y
                        yield from self._pair(x, y, section, names, shifted, scopes)

    def _pair(
        self,
        a: DiffStep,
        b: DiffStep,
        section: Section,
        names: tuple[_Merges, _Merges],
        shifted: bool,
        scopes: set[tuple[str, str]],
    ) -> Iterator[StructureChange]:
        details = list(self.comparison.steps(a, b, ""))
        details += self.comparison.names(a, b, "", shifted, scopes)
        if details:
            first, *others = details
            is_replaced = first.what == "replaced" and not first.at and not others
            kind: Kind = "replaced" if is_replaced else "changed"
            before, after = _place([a], names[0]), _place([b], names[1])
            yield StructureChange(kind, section.label, before, after, tuple(details))

    def _whole(self, label: str, detail: Detail, before: str = "") -> StructureChange:
        """Return the change of a section itself, which was called differently `before`."""
        a = ChangePlace(before or label, "", detail.a_span)
        b = ChangePlace(label, "", detail.b_span)
        return StructureChange("changed", label, a, b, (detail,), whole=True)

    def _runs(self, row: list[DiffStep], merges: _Merges) -> Iterator[ChangePlace]:
        """Yield equal blocks in a row as one place, and layers in a row."""

        def key(step: DiffStep) -> Hashable:
            return isinstance(step.node, Scope) and self.keys.exact(step), step.scope

        for _, group in groupby(row, key=key):
            yield _place(list(group), merges)

    def _label(self, row: _Row) -> Hashable:
        """Return the key of a section, with its content where labels only count (`features.5`)."""
        counts = row.section.label.endswith("..")
        return (_label(row), self._content(row)) if counts else _label(row)

    def _content(self, row: _Row) -> Hashable:
        return tuple(map(self.keys.exact, row.steps)) or row.section.label


def _rows(network: Network) -> list[_Row]:
    sections = enumerate(network.sections)
    return [_Row(i, section, list(steps(section.located))) for i, section in sections]


def _label(row: _Row) -> Hashable:
    """Return a section's kind and label, without the number from which its names count."""
    return row.section.kind, re.sub(r"\d+\.\.$", "..", row.section.label)


def _kind(row: _Row) -> Hashable:
    """Return the stem, the head, or a stage by its label: there is one stem and one head."""
    return row.section.kind if row.section.kind != "stage" else (row.section.label, id(row))


def _of_network(network: Network) -> ChangePlace:
    return ChangePlace(network.name, "", network.span)


def _of_section(section: Section) -> ChangePlace:
    return ChangePlace(section.label, summary(section.located), section.span)


class _Merges:
    """Names for the merges of a row, which have none: `add in stem`, `add 2 in stem`."""

    def __init__(self, row: list[DiffStep], section: str) -> None:
        self.named: dict[int, str] = {}
        merges = [step for step in row if isinstance(step.node, Parallel) and not step.place]
        kinds = [step.node.merge for step in merges if isinstance(step.node, Parallel)]
        totals, seen = Counter(kinds), Counter[str]()
        for step, kind in zip(merges, kinds, strict=True):
            seen[kind] += 1
            number = f" {seen[kind]}" if totals[kind] > 1 else ""
            self.named[id(step)] = f"{kind}{number} in {section}"

    def name(self, step: DiffStep) -> str:
        return self.named[id(step)]


def _place(row: list[DiffStep], merges: _Merges) -> ChangePlace:
    first, last = row[0], row[-1]
    name = first.place or (merges.name(first) if isinstance(first.node, Parallel) else "")
    if len(row) > 1 and first.name and last.name:
        ends = _NUMBERED.fullmatch(first.name), _NUMBERED.fullmatch(last.name)
        same = ends[0] and ends[1] and ends[0][1] == ends[1][1]
        name += f"..{ends[1][2] if same and ends[1] else last.name}"
    if isinstance(first.node, Scope):
        return ChangePlace(name, summary(first.located), first.span, len(row))
    return ChangePlace(name, _row_summary([summary(step.located) for step in row]), first.span)


def _row_summary(words: list[str]) -> str:
    if len(words) > 2 * _SHOWN:
        words[_SHOWN:-_SHOWN] = [f"… {len(words) - 2 * _SHOWN:,} more …"]
    return " → ".join(words)
