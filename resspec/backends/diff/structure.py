"""The change of a structure: sections aligned by their labels, blocks and layers by their content."""

from __future__ import annotations

import re
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
    """The change of a block, a layer or a whole section; of the network where there is no section."""

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
    """`sections`: which section of a stands beside which of b, by their indices."""

    changes: tuple[StructureChange, ...]
    blocks: tuple[Blocks, ...]
    sections: tuple[tuple[int | None, int | None], ...]


def structure(a: Network, b: Network, digests: Digests) -> Structure:
    """The differences of two networks whose hashes differ."""
    return _Structure(Keys(digests)).networks(a, b)


def placed(found: Structure, place: Callable[[str], str]) -> Structure:
    """With other places on the second side."""
    changes = [
        change._replace(
            b=change.b and change.b._replace(span=place(change.b.span)),
            details=tuple(
                detail._replace(b_span=place(detail.b_span)) for detail in change.details
            ),
        )
        for change in found.changes
    ]
    blocks = [each._replace(spans=(each.spans[0], place(each.spans[1]))) for each in found.blocks]
    return found._replace(changes=tuple(changes), blocks=tuple(blocks))


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
            if x is None or y is None:
                one = x or y
                assert one is not None
                place = ChangePlace(
                    one.section.label, summary(one.section.located), one.section.span
                )
                yield (
                    StructureChange("removed", place.name, place, None, whole=True)
                    if x
                    else (StructureChange("added", place.name, None, place, whole=True))
                )
            else:
                yield from self._section(x, y)

    def _section(self, a: _Row, b: _Row) -> Iterator[StructureChange]:
        spans = a.section.span, b.section.span
        if _label(a) != _label(b):
            labels = a.section.label, b.section.label
            detail = Detail("", "label", *labels, *spans)
            yield StructureChange(
                "changed",
                labels[1],
                ChangePlace(labels[0], "", spans[0]),
                ChangePlace(labels[1], "", spans[1]),
                (detail,),
                True,
            )
        before, after = (sum(isinstance(step.node, Scope) for step in row.steps) for row in (a, b))
        if before != after:
            self.blocks.append(Blocks(b.section.label, before, after, spans))
        yield from self._steps(a.steps, b.steps, b.section)

    def _steps(
        self, a: list[DiffStep], b: list[DiffStep], section: Section
    ) -> Iterator[StructureChange]:
        a, b, details = self.comparison.without_lone_shortcut(a, b, "")
        for detail in details:
            before, after = (
                ChangePlace(section.label, "", detail.a_span),
                ChangePlace(section.label, "", detail.b_span),
            )
            yield StructureChange("changed", section.label, before, after, (detail,), whole=True)
        pairs = self.comparison.pairs(a, b)
        shifted = any(None in pair for pair in pairs)
        scopes: set[tuple[str, str]] = set()
        for side, group in groupby(pairs, key=lambda pair: (pair[0] is None, pair[1] is None)):
            match side:
                case False, True:
                    gone = self._runs([x for x, _ in group if x], _Merges(a, section.label))
                    yield from (
                        StructureChange("removed", section.label, place, None) for place in gone
                    )
                case True, False:
                    new = self._runs([y for _, y in group if y], _Merges(b, section.label))
                    yield from (
                        StructureChange("added", section.label, None, place) for place in new
                    )
                case _:
                    for x, y in group:
                        assert x and y
                        names = _Merges(a, section.label), _Merges(b, section.label)
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
            replaced = [detail for detail in details if detail.what == "replaced"]
            kind: Kind = (
                "replaced" if replaced and len(details) == 1 and not replaced[0].at else "changed"
            )
            yield StructureChange(
                kind, section.label, _place([a], names[0]), _place([b], names[1]), tuple(details)
            )

    def _runs(self, row: list[DiffStep], merges: _Merges) -> Iterator[ChangePlace]:
        """Equal blocks in a row as one place, and layers in a row."""
        for _, group in groupby(
            row,
            key=lambda step: (isinstance(step.node, Scope) and self.keys.exact(step), step.scope),
        ):
            yield _place(list(group), merges)

    def _label(self, row: _Row) -> Hashable:
        """Return the keys of a section: where labels only count (`features.5`), its content first."""
        return (
            (_label(row), self._content(row)) if row.section.label.endswith("..") else _label(row)
        )

    def _content(self, row: _Row) -> Hashable:
        return tuple(map(self.keys.exact, row.steps)) or row.section.label


def _rows(network: Network) -> list[_Row]:
    return [
        _Row(i, section, list(steps(section.located))) for i, section in enumerate(network.sections)
    ]


def _label(row: _Row) -> Hashable:
    """Without the number from which the names count on."""
    return row.section.kind, re.sub(r"\d+\.\.$", "..", row.section.label)


def _kind(row: _Row) -> Hashable:
    """Return the stem, the head, or a stage by its label: there is one stem and one head."""
    return row.section.kind if row.section.kind != "stage" else (row.section.label, id(row))


def _of_network(network: Network) -> ChangePlace:
    return ChangePlace(network.name, "", network.span)


class _Merges:
    """Names for the merges of a row, which have none of their own: `add in stem`, `add 2 in stem`."""

    def __init__(self, row: list[DiffStep], section: str) -> None:
        self.section = section
        self.merges = [step for step in row if isinstance(step.node, Parallel) and not step.place]

    def name(self, step: DiffStep) -> str:
        assert isinstance(step.node, Parallel)
        alike = [
            each
            for each in self.merges
            if isinstance(each.node, Parallel) and each.node.merge == step.node.merge
        ]
        number = next((i for i, each in enumerate(alike, 1) if each is step), 1)
        return f"{step.node.merge}{f' {number}' if len(alike) > 1 else ''} in {self.section}"


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
