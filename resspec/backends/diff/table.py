"""A difference for the terminal: changes, their cost, and what they do to a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resspec.backends.diff.sentences import change, outputs_change, verdict, weights_sentences
from resspec.backends.diff.values import DiffValues, Pair
from resspec.backends.diff.words import ChangeLine, lines
from resspec.backends.report.table import FIGURES, figure
from resspec.backends.report.values import ReportValues
from resspec.backends.report.views import ReportRow
from resspec.backends.table import (
    NARROWEST,
    Column,
    columns,
    longest,
    rounded,
    shown,
    table,
    taken,
    text,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

MOST_LINES = 200
_LABEL = 12  # columns that a label gets in any case
_STYLES = {"~": "yellow", "-": "red", "+": "green"}


def to_table(diff: DiffValues, *, width: int = NARROWEST, color: bool = False) -> str:
    """Return lines of at most `width` columns, or 80 where that is less.

    Args:
        diff: The difference.
        width: The columns of the terminal.
        color: Whether colors may be used.
    """
    width = max(width, NARROWEST)
    return shown(_parts(diff, width), width, color)


def _parts(diff: DiffValues, width: int) -> Iterator[RenderableType]:
    yield from _heads(diff.a, diff.b)
    yield ""
    if diff.structure and diff.structure.changes:
        yield _changes(lines(diff.structure), width)
        yield ""
    if outputs := outputs_change(diff):
        yield text(outputs, _STYLES["~"])
        yield ""
    if any(not pair.same for pair in diff.pairs):
        yield _sections(diff, width)
        yield ""
    if diff.a.totals != diff.b.totals:
        yield _totals(diff)
        yield ""
    if diff.weights:
        yield from (text(sentence) for sentence in weights_sentences(diff.weights))
    yield text(verdict(diff))


def _heads(a: ReportValues, b: ReportValues) -> Iterator[Text]:
    longer = max(len(a.network), len(b.network))
    for side, report in (("a", a), ("b", b)):
        name = f"{side}  {report.network:<{longer}}"
        yield text(f"{name}   input {report.input}   hash {report.hash[:16]}", "bold")


def _changes(found: list[ChangeLine], width: int) -> Table:
    from rich.table import Table

    made = Table.grid(padding=(0, 1, 0, 0))
    made.add_column(width=1)
    made.add_column(width=width - 2, overflow="fold")
    for line in found[:MOST_LINES]:
        style = _STYLES[line.sign]
        made.add_row(text(line.sign, style), text(f"{line.where}: {line.what}", style))
        made.add_row("", text(f"  {line.lines}", "dim"))
    if len(found) > MOST_LINES:
        made.add_row("", text(f"… and {len(found) - MOST_LINES} more in the JSON output"))
    return made


def _sections(diff: DiffValues, width: int) -> Table:
    """Return a line for each section that differs; shares are left out where there is no room."""
    pairs = [pair for pair in diff.pairs if not pair.same]
    needed = longest("stage", *(f"  {pair.label}" for pair in pairs))
    for shares in (True, False):
        rows = [[_change(pair, name, shares) for name in FIGURES] for pair in pairs]
        figures = columns(FIGURES.values(), rows, figures=len(FIGURES))
        room = width - taken(figures)
        if room >= min(needed, _LABEL):
            break
    made = table([Column("stage", min(room, needed)), *figures])
    for pair, row in zip(pairs, rows, strict=True):
        sign, style = _sign(pair)
        styles = [style or ("→" in cell and _STYLES["~"]) or "" for cell in row]
        made.add_row(text(sign + pair.label, style), *map(text, row, styles))
    return made


def _sign(pair: Pair) -> tuple[str, str]:
    match pair:
        case Pair(a=None):
            return "+ ", _STYLES["+"]
        case Pair(b=None):
            return "- ", _STYLES["-"]
        case _:
            return "  ", ""


def _change(pair: Pair, name: str, shares: bool) -> str:
    match pair.a, pair.b:
        case ReportRow(figures=a), ReportRow(figures=b) if a[name] != b[name]:
            x, y = a[name], b[name]
            share = f" {_share(x, y)}" if shares and name != "layers" else ""
            return f"{figure(name, x)} → {figure(name, y)}{share}"
        case (ReportRow() as row, _) | (_, ReportRow() as row):
            return figure(name, row.figures[name])
        case _:
            return ""


def _share(a: int, b: int) -> str:
    """Return a share in at most five characters: `+8%`, `+918%`, `×12`."""
    if not a:
        return ""
    share = (b - a) / a
    return f"{share:+.0%}" if abs(share) < 10 else f"×{rounded(round(b / a))}"


def _totals(diff: DiffValues) -> Table:
    a, b = diff.a.totals, diff.b.totals
    differing = [name for name in b if name != "flops" and a[name] != b[name]]  # flops are 2 macs
    rows = [(name, *change(a[name], b[name])) for name in differing]
    made = table(columns(("total", "a", "b", "change", ""), rows, figures=4))
    for *values, delta, share in rows:
        made.add_row(*values, text(delta, _STYLES["~"]), text(share, _STYLES["~"]))
    return made
