"""A report as a page: the network, its cost, and the line of the spec behind each figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from resspec.backends.draw import Pictured, draw
from resspec.backends.draw.shapes import SectionPanel
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
from resspec.backends.report import Report
from resspec.backends.report.table import OUTPUT_HEADINGS, figure, memory_lines, output_rows
from resspec.backends.summary import summary
from resspec.passes.quantities import Facts, Figures

FIGURES = {"params": "params", "macs": "macs", "acts": "acts", "saved_bytes": "saved"}
_COLUMNS = (
    PageColumn("part"),
    PageColumn("output", wide=True),
    PageColumn("params"),
    PageColumn("macs"),
    PageColumn("acts", wide=True),
    PageColumn("saved"),
)


def to_html(report: Report, facts: Facts, sources: Mapping[str, str]) -> str:
    """Return a page about a report.

    Args:
        report: The report.
        facts: The quantities of its network.
        sources: The texts of the network's files, by the names that its spans have.
    """
    drawing = draw([Pictured(facts, report.network)])
    tints = {panel.section: panel.tint for panel in drawing.of(SectionPanel)}
    rows = list(_rows(facts, tints))
    totals = report.totals
    large = {"layers": "layers", **FIGURES, "training_bound_bytes": "training bound"}
    shown = [(words, figure(name, totals[name]), "") for name, words in large.items()]
    data = PageData(
        columns=_COLUMNS,
        rows=rows,
        totals=shown,
        total=[("", ""), *((figure(name, totals[name]), "") for name in FIGURES)],
        bars=[
            _bar(words, i, rows, figure(name, totals[name]))
            for i, (name, words) in enumerate(FIGURES.items(), 1)
        ],
        exact=[(name, f"{value:,}") for name, value in totals.items()],
        sources=texts_of(lines(rows), sources),
        outputs=[OUTPUT_HEADINGS, *output_rows(report)] if report.outputs else (),
    )
    note = "; ".join(["macs, acts and outputs are for one sample", *memory_lines(report)])
    sections = f"{len(facts.network.sections)} sections"
    lead = f"input {report.input} · {sections} · hash {report.hash[:16]}"
    headings = Headings(report.network, lead, "Where it is", "Parts", note)
    return page(data, headings, drawing, "report")


def _rows(facts: Facts, tints: Mapping[int, str]) -> Iterator[PageRow]:
    """Return rows of sections, with blocks and their layers and merges inside."""
    network = facts.network
    for i, (section, figures, found) in enumerate(
        zip(network.sections, facts.sections, parts(facts), strict=True)
    ):
        shape = section.body.output
        yield PageRow(
            section.label,
            section.label,
            summary(section.located),
            *_columns(str(shape), shape.elements, figures),
            own=own_lines(section.span),
            panels=(f"0 {i}",),
            tint=tints.get(i, "s0"),
            inside=[_row(part) for part in found],
        )


def _row(part: PagePart) -> PageRow:
    return PageRow(
        part.name,
        part.label,
        held(part),
        *_columns(part.output, part.elements, part.figures),
        own=part.own,
        around=part.around,
        keys=[f"0.{i}" for i in part.entries if not part.inside],
        inside=[_row(inner) for inner in part.inside],
    )


def _columns(output: str, elements: int, figures: Figures) -> tuple[list[int], list[Cell]]:
    """Return the values to sort by, and their texts."""
    read = [(output, ""), *((figure(quantity, figures[quantity]), "") for quantity in FIGURES)]
    return [elements, *(figures[quantity] for quantity in FIGURES)], read


def _bar(words: str, column: int, rows: Sequence[PageRow], total: str) -> PageBar:
    whole = sum(row.values[column] for row in rows) or 1
    parts = [(i, row.values[column] / whole, row.shown[column][0]) for i, row in enumerate(rows)]
    return PageBar(words, total, parts)
