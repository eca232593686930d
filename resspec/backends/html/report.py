"""A report as a page: what the network is, where its cost is, and which line of the spec says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from resspec.backends.draw import Pictured, draw
from resspec.backends.html.page import Headings, PageBar, PageColumn, PageData, PageRow, page
from resspec.backends.html.places import own_lines, texts_of
from resspec.backends.report import Report
from resspec.backends.report.table import figure, memory_lines
from resspec.backends.report.views import block, holds
from resspec.backends.summary import summary
from resspec.ir.nodes import Node, Parallel, Repeat
from resspec.passes.ledger import Trail, path
from resspec.passes.quantities import Facts, Figures, add

FIGURES = {"params": "params", "macs": "macs", "acts": "acts", "saved_bytes": "saved"}
_COLUMNS = (PageColumn("part"), PageColumn("output", wide=True), PageColumn("params"), PageColumn("macs"),
            PageColumn("acts", wide=True), PageColumn("saved"))


def to_html(report: Report, facts: Facts, sources: Mapping[str, str]) -> str:
    """`sources`: the texts of the network's files, by the names that its spans have."""
    drawing = draw([Pictured(facts, report.network)])
    tints = {panel.section: panel.tint for panel in drawing.panels}
    rows = list(_rows(facts, tints))
    totals = report.totals
    shown = [(words, figure(name, totals[name]), "") for name, words in {"layers": "layers", **FIGURES}.items()]
    shown.append(("training bound", figure("training_bound_bytes", totals["training_bound_bytes"]), ""))
    data = PageData(
        columns=_COLUMNS,
        rows=rows,
        totals=shown,
        total=[("", ""), *((figure(name, totals[name]), "") for name in FIGURES)],
        bars=[_bar(words, i, rows, figure(name, totals[name])) for i, (name, words) in enumerate(FIGURES.items(), 1)],
        exact=[(name, f"{value:,}") for name, value in totals.items()],
        sources=texts_of((line for row in rows for line in (*row.own, *row.around)), sources),
    )
    note = "; ".join(["macs, acts and outputs are for one sample", *memory_lines(report)])
    lead = f"input {report.input} · {len(facts.network.sections)} sections · hash {report.hash[:16]}"
    return page(data, Headings(report.network, lead, "Where it is", "Parts", note), drawing, "report")


def _rows(facts: Facts, tints: Mapping[int, str]) -> Iterator[PageRow]:
    """Sections, in them blocks and layers that stand in none, in these their layers and merges."""
    number = 0
    entries: dict[str, list[int]] = {}
    for i, (entry, figures) in enumerate(facts.entries):
        if any(figures.values()):
            entries.setdefault(entry.section, []).append(i)
    for i, (section, figures) in enumerate(zip(facts.network.sections, facts.sections, strict=True)):
        top, above = number, own_lines(section.span)
        row = _row(None, section.label, section.body, figures)
        yield row._replace(holds=summary(section.body), own=above, panels=(f"0 {i}",), tint=tints.get(i, "s0"))
        number += 1
        blocks: dict[tuple[int, ...], list[int]] = {}
        for j in entries.pop(section.label, []):
            blocks.setdefault(tuple(map(id, block(facts.entries[j][0].trail))), []).append(j)
        for inside in blocks.values():
            trail, parent = facts.entries[inside[0]][0].trail, (top, "")
            if len(outer := block(trail)) < len(trail):
                parent = number, path(outer)
                yield _part((top, ""), outer, add(facts.entries[j][1] for j in inside), above)
                number += 1
            for j in inside:
                yield _part(parent, facts.entries[j][0].trail, facts.entries[j][1], above)._replace(keys=(f"0.{j}",))
                number += 1


def _part(parent: tuple[int, str], trail: Trail, figures: Figures, section: list[str]) -> PageRow:
    """`parent`: its number and, of a block, its name; `section`: the lines of that."""
    number, around = parent
    own, name, times = own_lines(trail[-1].span), path(trail), prod(node.count for node in trail if isinstance(node, Repeat))
    row = _row(number, name, trail[-1], figures)
    lines = dict.fromkeys([line for node in reversed(trail[:-1]) for line in own_lines(node.span)[:1]] + section[:1])
    label = name.removeprefix(f"{around}.") if around else name
    if isinstance(trail[-1], Parallel):
        label = trail[-1].merge if name in ("", around) else f"{label}, {trail[-1].merge}"
    return row._replace(
        level=3 if around else 2, label=label, holds=holds(trail[-1]) + (f", × {times:,}" if times > 1 else ""),
        own=own, around=[line for line in lines if line not in own])


def _row(parent: int | None, name: str, node: Node, figures: Figures) -> PageRow:
    shown = [(str(node.output), ""), *((figure(quantity, figures[quantity]), "") for quantity in FIGURES)]
    return PageRow(parent, 1, name, name, "", [node.output.elements, *(figures[quantity] for quantity in FIGURES)], shown)


def _bar(words: str, column: int, rows: Sequence[PageRow], total: str) -> PageBar:
    sections = [(i, row) for i, row in enumerate(rows) if row.parent is None]
    whole = sum(row.values[column] for _, row in sections) or 1
    return PageBar(words, total, [(i, row.values[column] / whole, row.shown[column][0]) for i, row in sections])
