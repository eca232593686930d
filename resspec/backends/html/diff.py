"""A difference as a page: both networks drawn, the changes of each section, cost, and lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from resspec.backends.diff import Diff
from resspec.backends.diff.align import aligned
from resspec.backends.diff.compare import Marks
from resspec.backends.diff.sentences import verdict, weights_sentences
from resspec.backends.diff.structure import StructureChange
from resspec.backends.diff.values import Pair
from resspec.backends.diff.words import many, said
from resspec.backends.draw import SIGNS, Pictured, draw
from resspec.backends.draw.shapes import Drawing
from resspec.backends.html.page import (
    Cell,
    Headings,
    PageBar,
    PageColumn,
    PageData,
    PageRow,
    lines,
    page,
)
from resspec.backends.html.parts import PagePart, held, parts
from resspec.backends.html.places import own_lines, texts_of
from resspec.backends.report.table import figure, memory_lines
from resspec.passes.quantities import Facts, Figures

FIGURES = {"params": "params", "macs": "macs", "acts": "acts", "saved_bytes": "saved"}
_KINDS = {"added": "+", "removed": "-", "changed": "~", "replaced": "~"}
_TOTALS = {"layers": "layers", **FIGURES, "training_bound_bytes": "training bound"}
_TINTS = 7


class Drawn(NamedTuple):
    """Both networks with their marks, and the texts of their files."""

    facts: tuple[Facts, Facts]
    marks: Marks
    sources: tuple[Mapping[str, str], Mapping[str, str]]


def to_html(diff: Diff, titles: tuple[str, str], drawn: Drawn | None) -> str:
    """`drawn`: None where a side is a saved report, which has no drawing and no spec."""
    drawing = draw(list(map(Pictured, drawn.facts, titles, drawn.marks))) if drawn else None
    rows = list(_rows(diff, drawn, drawing))
    a, b = diff.a.totals, diff.b.totals
    exact = [
        (
            name,
            f"{a[name]:,}",
            f"{b[name]:,}",
            f"{b[name] - a[name]:+,}" if a[name] != b[name] else "",
        )
        for name in a
    ]
    data = PageData(
        columns=[
            PageColumn("part"),
            *(PageColumn(words, wide=words == "acts") for words in FIGURES.values()),
        ],
        rows=rows,
        totals=[_total(words, name, diff) for name, words in _TOTALS.items()],
        total=[_cell(name, a[name], b[name]) for name in FIGURES],
        bars=list(_bars(diff, rows)),
        exact=[("", "a", "b", "b - a"), *exact],
        sources=texts_of(lines(rows), *(drawn.sources if drawn else ())),
    )
    lead = [verdict(diff)]
    for side, report in (("a", diff.a), ("b", diff.b)):
        lead.append(f"{side}: {report.network}, input {report.input}, hash {report.hash[:16]}")
    weights = weights_sentences(diff.weights) if diff.weights else ()
    note = "; ".join([*(sentence.strip() for sentence in weights), *memory_lines(diff.b)[:1]])
    return page(
        data,
        Headings(" → ".join(titles), " · ".join(lead), "Where it is", "Changes", note),
        drawing,
        "diff",
    )


def _rows(diff: Diff, drawn: Drawn | None, drawing: Drawing | None) -> Iterator[PageRow]:
    """Return rows: changes of the network itself, then the sections of both sides."""
    changes = list(diff.structure.changes) if diff.structure else []
    keys = _keys(drawing) if drawing else {}
    yield from _changes([change for change in changes if not change.section], keys)
    found = [parts(facts) for facts in drawn.facts] if drawn else []
    tints = (
        {(panel.column, panel.section): panel.tint for panel in drawing.panels} if drawing else {}
    )
    i = j = 0
    for pair in diff.pairs:
        row = _pair(pair)
        column, index = (1, j) if pair.b else (0, i)
        row = row._replace(tint=tints.get((column, index), f"s{index % _TINTS + 1}"))
        inside = (
            []
            if pair.a is None or pair.b is None
            else [change for change in changes if change.section == pair.label]
        )
        if inside:
            row = row._replace(sign="~", change=SIGNS["~"])
        if drawn:
            places = [(0, i)] * (pair.a is not None) + [(1, j)] * (pair.b is not None)
            spans = [drawn.facts[side].network.sections[at].span for side, at in places]
            a, b = (found[0][i] if pair.a else []), (found[1][j] if pair.b else [])
            row = row._replace(
                own=[line for span in dict.fromkeys(spans) for line in own_lines(span)],
                panels=[f"{side} {at}" for side, at in places],
                inside=[*_changes(inside, keys), *_parts(a, b)],
            )
        i, j = i + (pair.a is not None), j + (pair.b is not None)
        yield row


def _pair(pair: Pair) -> PageRow:
    one = pair.b or pair.a
    assert one is not None
    sign = "-" if pair.b is None else "+" if pair.a is None else "" if pair.same else "~"
    a, b = (side.figures if side else {} for side in (pair.a, pair.b))
    holds = dict.fromkeys(side.holds for side in (pair.a, pair.b) if side)
    return _row(pair.label, pair.label, " → ".join(holds), a, b, sign)


def _parts(a: Sequence[PagePart], b: Sequence[PagePart]) -> Iterator[PageRow]:
    """Return rows of blocks of both sides, with their layers and merges inside."""
    for x, y in aligned(
        a,
        b,
        lambda part: (part.label, part.holds),
        lambda part: part.label,
        lambda part: part.holds,
    ):
        both = [part for part in (x, y) if part]
        sign = (
            "-"
            if y is None
            else "+"
            if x is None
            else ""
            if (x.holds, x.figures) == (y.holds, y.figures)
            else "~"
        )
        name, label = (
            " → ".join(dict.fromkeys(words))
            for words in ([p.name for p in both], [p.label for p in both])
        )
        row = _row(name, label, held(*both), x.figures if x else {}, y.figures if y else {}, sign)
        keys = [
            f"{side}.{i}"
            for side, part in enumerate((x, y))
            if part and not part.inside
            for i in part.entries
        ]
        yield row._replace(
            keys=keys,
            own=list(dict.fromkeys(line for part in both for line in part.own)),
            around=list(dict.fromkeys(line for part in both for line in part.around)),
            inside=list(_parts(x.inside if x else (), y.inside if y else ())),
        )


def _row(name: str, label: str, holds: str, a: Figures, b: Figures, sign: str) -> PageRow:
    """`a`, `b`: none where a side has no such part."""
    figures = {each: (a.get(each, 0), b.get(each, 0)) for each in FIGURES}
    shown = [_cell(each, *values) for each, values in figures.items()]
    return PageRow(
        name,
        label,
        holds,
        [abs(y - x) for x, y in figures.values()],
        shown,
        sign=sign.replace("-", "−"),
        change=SIGNS.get(sign, ""),
    )


def _changes(
    changes: Iterable[StructureChange], keys: Mapping[str, list[str]]
) -> Iterator[PageRow]:
    """Yield a row for each; for neighbours of which the same is to be said, one."""
    for (kind, words), group in groupby(changes, key=lambda change: (change.kind, _said(change))):
        alike = list(group)
        names = [
            " → ".join(dict.fromkeys(place.name for place in (change.a, change.b) if place))
            for change in alike
        ]
        name = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]} ({len(names)})"
        own = (line for change in alike for span in _spans(change) for line in own_lines(span))
        sign = _KINDS[kind]
        yield PageRow(
            name,
            name,
            words,
            [0] * len(FIGURES),
            [],
            keys=list(dict.fromkeys(key for change in alike for key in _found(change, keys))),
            own=list(dict.fromkeys(own)),
            sign=sign.replace("-", "−"),
            change=SIGNS[sign],
        )


def _said(change: StructureChange) -> str:
    if change.kind in ("added", "removed"):
        place = change.a or change.b
        assert place is not None
        return many(place)
    found: dict[str, list[str]] = {}
    for detail in change.details:
        found.setdefault(said(detail), []).append(detail.at)
    each = (
        (words, ", ".join(dict.fromkeys(filter(None, places)))) for words, places in found.items()
    )
    return "; ".join(f"{places}: {words}" if places else words for words, places in each)


def _spans(change: StructureChange) -> Iterator[str]:
    """Yield where both sides say it."""
    yield from (place.span for place in (change.a, change.b) if place)
    for detail in change.details:
        yield from (detail.a_span, detail.b_span)


def _found(change: StructureChange, keys: Mapping[str, list[str]]) -> Iterator[str]:
    """Return the marked layers of a change inside a block, or all of the block."""
    for column, place in enumerate((change.a, change.b)):
        if place:
            first = place.name.partition("..")[0]
            for at in [detail.at for detail in change.details] or [""]:
                yield from keys.get(f"{column} {first}.{at}" if at else f"{column} {first}", [])


def _keys(drawing: Drawing) -> dict[str, list[str]]:
    """Return the keys of marked boxes, by column and name, and by those of all scopes around."""
    found: dict[str, list[str]] = {}
    for placed in drawing.boxes:
        if placed.box.sign:
            marks = [f"{placed.column}.{entry}" for entry in placed.box.entries]
            words = [name.split(".") for name in placed.box.names]
            for name in dict.fromkeys(
                ".".join(parts[:i]) for parts in words for i in range(1, len(parts) + 1)
            ):
                found.setdefault(f"{placed.column} {name}", []).extend(marks)
    return found


def _cell(name: str, a: int, b: int) -> Cell:
    """Return a value, or how much it changed, and from what to what."""
    if a == b:
        return figure(name, b), ""
    return (
        f"{'+' if b > a else '−'}{figure(name, abs(b - a))}",
        f"{figure(name, a)} → {figure(name, b)}",
    )


def _total(words: str, name: str, diff: Diff) -> tuple[str, str, str]:
    a, b = diff.a.totals[name], diff.b.totals[name]
    return (
        words,
        figure(name, b),
        "" if a == b else f"from {figure(name, a)}" + (f", {(b - a) / a:+.1%}" if a else ""),
    )


def _bars(diff: Diff, rows: Sequence[PageRow]) -> Iterator[PageBar]:
    """Return two bars for each quantity, to one scale."""
    numbers = range(
        len(rows) - len(diff.pairs), len(rows)
    )  # after what changed of the network itself
    for name, words in FIGURES.items():
        whole = max(diff.a.totals[name], diff.b.totals[name], 1)
        for side, report in (("a", diff.a), ("b", diff.b)):
            found = [(i, getattr(pair, side)) for i, pair in zip(numbers, diff.pairs, strict=True)]
            parts = [
                (i, row.figures[name] / whole, figure(name, row.figures[name]))
                for i, row in found
                if row
            ]
            yield PageBar(f"{words} {side}", figure(name, report.totals[name]), parts)
