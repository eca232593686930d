"""A difference as a page: both networks drawn, the changes of each section, cost, and lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, chain, groupby
from operator import attrgetter
from typing import NamedTuple

from resspec.backends.diff import Diff
from resspec.backends.diff.align import aligned
from resspec.backends.diff.compare import Marks
from resspec.backends.diff.sentences import verdict, weights_sentences
from resspec.backends.diff.structure import StructureChange
from resspec.backends.diff.values import Pair
from resspec.backends.diff.words import many, said
from resspec.backends.draw import SIGNS, Pictured, draw
from resspec.backends.draw.shapes import Drawing, PlacedBox, SectionPanel
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
from resspec.backends.html.report import FIGURES
from resspec.backends.report.table import figure, memory_lines
from resspec.passes.quantities import Facts, Figures

_KINDS = {"added": "+", "removed": "-", "changed": "~", "replaced": "~"}
_TOTALS = {"layers": "layers", **FIGURES, "training_bound_bytes": "training bound"}
_TINTS = 7


class Drawn(NamedTuple):
    """Both networks with their marks, and the texts of their files."""

    facts: tuple[Facts, Facts]
    marks: Marks
    sources: tuple[Mapping[str, str], Mapping[str, str]]


def to_html(diff: Diff, titles: tuple[str, str], drawn: Drawn | None) -> str:
    """Return a page about a difference.

    Args:
        diff: The difference.
        titles: The names of both sides.
        drawn: None where a side is a saved report, which has no drawing and no spec.
    """
    drawing = draw(list(map(Pictured, drawn.facts, titles, drawn.marks))) if drawn else None
    rows = [*_network_rows(diff, drawing), *_sections(diff, drawn, drawing)]
    a, b = diff.a.totals, diff.b.totals
    data = PageData(
        columns=[
            PageColumn("part"),
            *(PageColumn(words, wide=words == "acts") for words in FIGURES.values()),
        ],
        rows=rows,
        totals=[_total(words, name, diff) for name, words in _TOTALS.items()],
        total=[_cell(name, a[name], b[name]) for name in FIGURES],
        bars=list(_bars(diff, len(rows) - len(diff.pairs))),
        exact=[("", "a", "b", "b - a"), *_exact(diff)],
        sources=texts_of(lines(rows), *(drawn.sources if drawn else ())),
    )
    lead = [verdict(diff)]
    for side, report in (("a", diff.a), ("b", diff.b)):
        lead.append(f"{side}: {report.network}, input {report.input}, hash {report.hash[:16]}")
    weights = weights_sentences(diff.weights) if diff.weights else ()
    note = "; ".join([*(sentence.strip() for sentence in weights), *memory_lines(diff.b)[:1]])
    headings = Headings(" → ".join(titles), " · ".join(lead), "Where it is", "Changes", note)
    return page(data, headings, drawing, "diff")


def _exact(diff: Diff) -> Iterator[tuple[str, ...]]:
    for name, a in diff.a.totals.items():
        b = diff.b.totals[name]
        yield name, f"{a:,}", f"{b:,}", f"{b - a:+,}" if a != b else ""


def _network_rows(diff: Diff, drawing: Drawing | None) -> Iterator[PageRow]:
    """Yield the changes of the network itself."""
    changes = diff.structure.changes if diff.structure else ()
    return _changes([change for change in changes if not change.section], _keys(drawing))


def _sections(diff: Diff, drawn: Drawn | None, drawing: Drawing | None) -> Iterator[PageRow]:
    """Yield a row for each pair of sections, with its changes and its parts inside."""
    changes = diff.structure.changes if diff.structure else ()
    keys = _keys(drawing)
    found = [parts(facts) for facts in drawn.facts] if drawn else []
    panels = drawing.of(SectionPanel) if drawing else ()
    tints = {(panel.column, panel.section): panel.tint for panel in panels}
    numbers = [0, 0]
    for pair in diff.pairs:
        sides = [side for side, row in enumerate((pair.a, pair.b)) if row]
        places = [(side, numbers[side]) for side in sides]
        row = _section(pair)
        row = row._replace(tint=tints.get(places[-1], f"s{places[-1][1] % _TINTS + 1}"))
        own = [change for change in changes if change.section == pair.label]
        inside = own if len(sides) == 2 else []
        if inside:
            row = row._replace(sign="~", change=SIGNS["~"])
        if drawn:
            spans = [drawn.facts[side].network.sections[i].span for side, i in places]
            contents: list[list[PagePart]] = [[], []]
            for side, i in places:
                contents[side] = found[side][i]
            row = row._replace(
                own=[line for span in dict.fromkeys(spans) for line in own_lines(span)],
                panels=[f"{side} {i}" for side, i in places],
                inside=[*_changes(inside, keys), *_parts(*contents)],
            )
        for side in sides:
            numbers[side] += 1
        yield row


def _section(pair: Pair) -> PageRow:
    both = [row for row in (pair.a, pair.b) if row]
    sign = _sign(pair.a, pair.b, is_same=pair.same)
    return _row(pair.label, pair.label, _joined(row.holds for row in both), pair.figures, sign)


def _parts(a: Sequence[PagePart], b: Sequence[PagePart]) -> Iterator[PageRow]:
    """Yield rows of blocks of both sides, with their layers and merges inside."""
    keys = attrgetter("label", "holds"), attrgetter("label"), attrgetter("holds")
    for x, y in aligned(a, b, *keys):
        both = [part for part in (x, y) if part]
        is_same = len({(part.holds, tuple(part.figures.items())) for part in both}) == 1
        name, label = _joined(part.name for part in both), _joined(part.label for part in both)
        figures = (x.figures if x else {}), (y.figures if y else {})
        row = _row(name, label, held(*both), figures, _sign(x, y, is_same=is_same))
        yield row._replace(
            keys=[
                f"{side}.{entry}"
                for side, part in enumerate((x, y))
                if part and not part.inside
                for entry in part.entries
            ],
            own=list(dict.fromkeys(line for part in both for line in part.own)),
            around=list(dict.fromkeys(line for part in both for line in part.around)),
            inside=list(_parts(x.inside if x else (), y.inside if y else ())),
        )


def _joined(words: Iterable[str]) -> str:
    return " → ".join(dict.fromkeys(words))


def _sign(a: object, b: object, *, is_same: bool) -> str:
    if not (a and b):
        return "-" if a else "+"
    return "" if is_same else "~"


def _row(name: str, label: str, holds: str, sides: tuple[Figures, Figures], sign: str) -> PageRow:
    """Return a row; a side has no figures where it has no such part."""
    figures = {each: tuple(side.get(each, 0) for side in sides) for each in FIGURES}
    return PageRow(
        name,
        label,
        holds,
        values=[abs(b - a) for a, b in figures.values()],
        shown=[_cell(each, a, b) for each, (a, b) in figures.items()],
        sign=sign.replace("-", "−"),
        change=SIGNS.get(sign, ""),
    )


def _changes(
    changes: Iterable[StructureChange], keys: Mapping[str, list[str]]
) -> Iterator[PageRow]:
    """Yield a row for each change; for neighbors of which the same is to be said, one."""
    for (kind, words), group in groupby(changes, key=lambda change: (change.kind, _said(change))):
        equal = list(group)
        names = [_joined(place.name for place in change.places) for change in equal]
        name = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]} ({len(names)})"
        own = (line for change in equal for span in _spans(change) for line in own_lines(span))
        sign = _KINDS[kind]
        yield PageRow(
            name,
            name,
            words,
            values=[0] * len(FIGURES),
            shown=[],
            keys=list(dict.fromkeys(key for change in equal for key in _found(change, keys))),
            own=list(dict.fromkeys(own)),
            sign=sign.replace("-", "−"),
            change=SIGNS[sign],
        )


def _said(change: StructureChange) -> str:
    if change.kind in ("added", "removed"):
        return many(change.places[0])
    found: dict[str, list[str]] = {}
    for detail in change.details:
        found.setdefault(said(detail), []).append(detail.at)
    sentences = []
    for words, places in found.items():
        where = ", ".join(dict.fromkeys(filter(None, places)))
        sentences.append(f"{where}: {words}" if where else words)
    return "; ".join(sentences)


def _spans(change: StructureChange) -> Iterator[str]:
    """Yield where both sides say it."""
    yield from (place.span for place in change.places)
    for detail in change.details:
        yield from (detail.a_span, detail.b_span)


def _found(change: StructureChange, keys: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the keys of the marked layers of a change inside a block, or of all of the block."""
    for column, place in enumerate((change.a, change.b)):
        if place:
            first = place.name.partition("..")[0]
            for at in [detail.at for detail in change.details] or [""]:
                yield from keys.get(f"{column} {first}.{at}".rstrip("."), [])


def _keys(drawing: Drawing | None) -> dict[str, list[str]]:
    """Return the keys of marked boxes, by column and name, and by those of all scopes around."""
    found: dict[str, list[str]] = {}
    for placed in drawing.of(PlacedBox) if drawing else ():
        if placed.box.sign:
            marks = [f"{placed.column}.{entry}" for entry in placed.box.entries]
            scopes = (accumulate(name.split("."), _dotted) for name in placed.box.names)
            for name in dict.fromkeys(chain.from_iterable(scopes)):
                found.setdefault(f"{placed.column} {name}", []).extend(marks)
    return found


def _dotted(scope: str, name: str) -> str:
    return f"{scope}.{name}"


def _cell(name: str, a: int, b: int) -> Cell:
    """Return a value, or how much it changed, and from what to what."""
    if a == b:
        return figure(name, b), ""
    change = f"{'+' if b > a else '−'}{figure(name, abs(b - a))}"
    return change, f"{figure(name, a)} → {figure(name, b)}"


def _total(words: str, name: str, diff: Diff) -> tuple[str, str, str]:
    a, b = diff.a.totals[name], diff.b.totals[name]
    share = f", {(b - a) / a:+.1%}" if a else ""
    return words, figure(name, b), f"from {figure(name, a)}{share}" if a != b else ""


def _bars(diff: Diff, start: int) -> Iterator[PageBar]:
    """Yield two bars for each quantity, to one scale; the first section is row `start`."""
    for name, words in FIGURES.items():
        whole = max(diff.a.totals[name], diff.b.totals[name], 1)
        for side, report in (("a", diff.a), ("b", diff.b)):
            parts = []
            for i, pair in enumerate(diff.pairs, start):
                if row := getattr(pair, side):
                    value = row.figures[name]
                    parts.append((i, value / whole, figure(name, value)))
            yield PageBar(f"{words} {side}", figure(name, report.totals[name]), parts)
