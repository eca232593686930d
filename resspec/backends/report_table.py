"""A report as a table for the terminal. Figures are rounded in it and nowhere else; below it they stand to the unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resspec.backends.report import Report
from resspec.backends.table import GAP, NARROWEST, Column, longest, rounded, shown, table, text

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

FIGURES = ("params", "macs", "flops", "acts", "layers")
NOTE = "for one sample; flops = 2 macs, multiply-adds of convolutions and linear layers"
WITH_BARS = 110  # columns of a terminal from which each stage's share of the macs is drawn
_BAR = 12
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def to_table(report: Report, *, width: int = NARROWEST, color: bool = False) -> str:
    """Lines of at most `width` columns, or 80 where that is less; a text that is too long ends in `…`."""
    width = max(width, NARROWEST)
    title = f"{report.network}   input {report.input}   hash {report.hash[:16]}"
    return shown([text(title, "bold"), "", _stages(report, width), "", _exact(report), text(NOTE, "dim")], width, color)


def _stages(report: Report, width: int) -> Table:
    totals = report.totals
    figures = [Column(name, max(len(name), 5), True, rounded(getattr(totals, name))) for name in FIGURES]
    shares = [Column("share of macs", _BAR + 5)] if width >= WITH_BARS else []
    output = Column("output", longest("output", *(row.output for row in report.rows)))
    room = width - sum(column.width + GAP for column in (*figures, *shares, output))
    stage = Column("stage", min(longest("total", *(row.label for row in report.rows)), room // 2), foot="total")
    holds = Column("holds", min(longest("holds", *(row.holds for row in report.rows)), room - stage.width - GAP))
    made = table([stage, holds, output, *figures, *shares], footer=True)
    for row in report.rows:
        made.add_row(
            *map(text, (row.label, row.holds, row.output)),
            *(rounded(getattr(row.totals, name)) for name in FIGURES),
            *(_share(row.totals.macs, totals.macs) for _ in shares),
        )
    return made


def _exact(report: Report) -> Table:
    """The totals to the unit, in three columns."""
    from rich.table import Table

    totals = report.totals._asdict()
    made = Table.grid(padding=(0, GAP, 0, 0))
    for i in range(6):
        made.add_column(justify="right" if i % 2 else "left", no_wrap=True)
    for names in (("params", "macs", "acts"), ("buffers", "flops", "layers")):
        made.add_row(*(word for name in names for word in (name, f"{totals[name]:,}")))
    return made


def _share(part: int, whole: int) -> Text:
    eighths = part * _BAR * 8 // whole if whole else 0
    bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8]
    return text(f"{bar:<{_BAR + 1}}", "cyan").append(f"{part / whole:4.0%}" if whole else "", "default")
