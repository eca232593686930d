"""The change of a structure: sections aligned by labels, blocks and layers by their content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from itertools import groupby
from typing import Literal, NamedTuple

from resspec.backends.diff.align import aligned
from resspec.backends.diff.compare import Comparison, Detail, Marks, StepPair
from resspec.backends.diff.steps import DiffStep, StepKeys, steps
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

    @property
    def places(self) -> list[ChangePlace]:
        """The places of the sides that have one, that of `a` first."""
        return [place for place in (self.a, self.b) if place]


class Blocks(NamedTuple):
    """The numbers of blocks that a section has on both sides."""

    section: str
    a: int
    b: int
    spans: tuple[str, str]


class Structure(NamedTuple):
    """The differences of two structures.

    Attributes:
        sections: Pairs of the numbers of both sides' sections.
        marks: The layers that differ, for a drawing.
        only_order: Whether only the order of operands of sums and products differs.
    """

    changes: tuple[StructureChange, ...] = ()
    blocks: tuple[Blocks, ...] = ()
    sections: tuple[tuple[int | None, int | None], ...] = ()
    marks: Marks = Marks({}, {})
    only_order: bool = False


def structure(a: Network, b: Network, digests: Digests) -> Structure:
    """Return the differences of two networks whose hashes differ."""
    return _Structure(StepKeys(digests)).networks(a, b)


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

    @property
    def place(self) -> ChangePlace:
        section = self.section
        return ChangePlace(section.label, summary(section.located), section.span)

    @property
    def blocks(self) -> int:
        return sum(isinstance(step.node, Scope) for step in self.steps)


class _Structure:
    def __init__(self, keys: StepKeys) -> None:
        self.keys = keys
        self.comparison = Comparison(keys)
        self.blocks: list[Blocks] = []

    def networks(self, a: Network, b: Network) -> Structure:
        rows = list(aligned(_rows(a), _rows(b), self._label, _label, self._content, _kind))
        changes = [*_input(a, b), *_outputs(a, b), *self._sections(rows)]
        if not changes:
            changes = [_of_network(a, b, "names or initial values")]
        sections = tuple((x and x.number, y and y.number) for x, y in rows)
        return Structure(tuple(changes), tuple(self.blocks), sections, self.comparison.marks)

    def _sections(self, rows: list[tuple[_Row | None, _Row | None]]) -> Iterator[StructureChange]:
        for x, y in rows:
            if x and y:
                yield from self._section(x, y)
                continue
            self.comparison.pairs(x.steps if x else [], y.steps if y else [])  # to mark all steps
            if x:
                yield StructureChange("removed", x.section.label, x.place, None, whole=True)
            elif y:
                yield StructureChange("added", y.section.label, None, y.place, whole=True)

    def _section(self, a: _Row, b: _Row) -> Iterator[StructureChange]:
        old, new = a.section.label, b.section.label
        spans = a.section.span, b.section.span
        if _label(a) != _label(b):
            yield _of_section(old, new, Detail("", "label", old, new, *spans))
        if a.blocks != b.blocks:
            self.blocks.append(Blocks(new, a.blocks, b.blocks, spans))

        pairs = self.comparison.pairs(a.steps, b.steps)
        before = _Places([pair.a for pair in pairs if pair.a], new)
        after = _Places([pair.b for pair in pairs if pair.b], new)
        for (has_a, has_b), group in groupby(pairs, _sides):
            if has_a and has_b:
                yield from self._changed(group, new, before, after)
            elif has_a:
                for gone in self._runs([pair.a for pair in group if pair.a]):
                    yield StructureChange("removed", new, before.place(gone), None)
            elif has_b:
                for added in self._runs([pair.b for pair in group if pair.b]):
                    yield StructureChange("added", new, None, after.place(added))
            else:
                for pair in group:
                    yield from (_of_section(new, new, detail) for detail in pair.details)

    def _changed(
        self, pairs: Iterator[StepPair], label: str, before: _Places, after: _Places
    ) -> Iterator[StructureChange]:
        for a, b, details in pairs:
            if a and b and details:
                first, *others = details
                is_replaced = first.what == "replaced" and not first.at and not others
                kind: Kind = "replaced" if is_replaced else "changed"
                places = before.place([a]), after.place([b])
                yield StructureChange(kind, label, *places, tuple(details))

    def _runs(self, row: list[DiffStep]) -> Iterator[list[DiffStep]]:
        """Yield equal blocks in a row together, and layers in a row."""

        def key(step: DiffStep) -> Hashable:
            return isinstance(step.node, Scope) and self.keys.exact(step), step.scope

        for _, group in groupby(row, key):
            yield list(group)

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
    """Return the key by which a stem and a head pair, of which there is one; stages do not."""
    return row.section if row.section.kind == "stage" else row.section.kind


def _sides(pair: StepPair) -> tuple[bool, bool]:
    return pair.a is not None, pair.b is not None


def _input(a: Network, b: Network) -> Iterator[StructureChange]:
    if a.input != b.input:
        yield _of_network(a, b, "input", str(a.input), str(b.input))


def _outputs(a: Network, b: Network) -> Iterator[StructureChange]:
    if a.outputs != b.outputs:
        yield _of_network(a, b, "outputs", ", ".join(a.outputs), ", ".join(b.outputs))


def _of_network(
    a: Network, b: Network, what: str, before: str = "", after: str = ""
) -> StructureChange:
    places = ChangePlace(a.name, "", a.span), ChangePlace(b.name, "", b.span)
    detail = Detail("", what, before, after, a.span, b.span)
    return StructureChange("changed", "", *places, (detail,))


def _of_section(old: str, new: str, detail: Detail) -> StructureChange:
    """Return the change of a section itself, by its labels on both sides."""
    places = ChangePlace(old, "", detail.a_span), ChangePlace(new, "", detail.b_span)
    return StructureChange("changed", new, *places, (detail,), whole=True)


class _Places:
    """The places of steps of a section; merges have no names: `add in stem`, `add 2 in stem`."""

    def __init__(self, row: list[DiffStep], section: str) -> None:
        self._merges: dict[DiffStep, str] = {}
        merges = [step for step in row if isinstance(step.node, Parallel) and not step.place]
        kinds = [step.node.merge for step in merges if isinstance(step.node, Parallel)]
        totals, seen = Counter(kinds), Counter[str]()
        for step, kind in zip(merges, kinds, strict=True):
            seen[kind] += 1
            number = f" {seen[kind]}" if totals[kind] > 1 else ""
            self._merges[step] = f"{kind}{number} in {section}"

    def place(self, row: list[DiffStep]) -> ChangePlace:
        """Return the place of equal blocks in a row, or of a row of layers and merges."""
        first, last = row[0], row[-1]
        name = first.place or self._merges.get(first, "")
        if len(row) > 1 and first.name and last.name:
            ends = _NUMBERED.fullmatch(first.name), _NUMBERED.fullmatch(last.name)
            same = ends[0] and ends[1] and ends[0][1] == ends[1][1]
            name += f"..{ends[1][2] if same and ends[1] else last.name}"
        if isinstance(first.node, Scope):
            return ChangePlace(name, summary(first.located), first.span, len(row))
        words = [summary(step.located) for step in row]
        if len(words) > 2 * _SHOWN:
            words[_SHOWN:-_SHOWN] = [f"… {len(words) - 2 * _SHOWN:,} more …"]
        return ChangePlace(name, " → ".join(words), first.span)
