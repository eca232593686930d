"""A difference as a table for the terminal: a figure that is the same on both sides stands once, another as `a → b`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resspec.backends.diff import Diff, Pair
from resspec.backends.report import Row
from resspec.backends.table import GAP, NARROWEST, Column, longest, rounded, shown, table, text

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

FIGURES = ("params", "macs", "acts", "layers")
_CHANGED, _REMOVED, _ADDED = "yellow", "red", "green"


def to_table(diff: Diff, *, width: int = NARROWEST, color: bool = False) -> str:
    """Lines of at most `width` columns, or 80 where that is less. `-`: a stage of `a` alone; `+`: of `b` alone."""
    width = max(width, NARROWEST)
    names = [f"{name}  {report.network}" for name, report in (("a", diff.a), ("b", diff.b))]
    sides = [
        text(f"{name:<{max(map(len, names))}}   input {report.input}   hash {report.hash[:16]}", "bold")
        for name, report in zip(names, (diff.a, diff.b), strict=True)
    ]
    return shown([*sides, "", _stages(diff, width), "", _totals(diff), "", text(_verdict(diff))], width, color)


def _verdict(diff: Diff) -> str:
    if diff.same:
        return "the same network: equal hashes"
    if diff.a.totals == diff.b.totals and all(pair.same for pair in diff.pairs):
        return "different networks of equal figures: names, initial values or details differ"
    return "different networks"


def _stages(diff: Diff, width: int) -> Table:
    figures = [Column(name, 9 if name == "layers" else 13, True) for name in FIGURES]
    stage = Column("stage", width - sum(column.width + GAP for column in figures))
    needed = longest("stage", *(f"  {pair.label}" for pair in diff.pairs))
    made = table([stage._replace(width=min(stage.width, needed)), *figures])
    for pair in diff.pairs:
        sign, style = _sign(pair)
        made.add_row(text(sign + pair.label, style, stage.width), *(_change(pair, name) for name in FIGURES))
    return made


def _sign(pair: Pair) -> tuple[str, str]:
    match pair:
        case Pair(a=None):
            return "+ ", _ADDED
        case Pair(b=None):
            return "- ", _REMOVED
        case _:
            return "  ", "" if pair.same else _CHANGED


def _change(pair: Pair, name: str) -> Text:
    match pair.a, pair.b:
        case Row(totals=a), Row(totals=b) if a != b and getattr(a, name) != getattr(b, name):
            return text(f"{rounded(getattr(a, name))} → {rounded(getattr(b, name))}", _CHANGED)
        case (Row() as row, _) | (_, Row() as row):
            return text(rounded(getattr(row.totals, name)), _sign(pair)[1] if None in (pair.a, pair.b) else "")
        case _:
            return text("")


def _totals(diff: Diff) -> Table:
    rows = [_total(name, a, getattr(diff.b.totals, name)) for name, a in diff.a.totals._asdict().items()]
    headings = ("total", "a", "b", "change", "")
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    made = table(Column(*sizes, figures=i > 0) for i, sizes in enumerate(zip(headings, widths, strict=True)))
    for row in rows:
        made.add_row(*row[:3], *(text(word, _CHANGED) for word in row[3:]))
    return made


def _total(name: str, a: int, b: int) -> tuple[str, str, str, str, str]:
    """Both values to the unit, b - a, and the same in per cent of a."""
    changed = a != b
    return name, f"{a:,}", f"{b:,}", f"{b - a:+,}" if changed else "", f"{(b - a) / a:+.2%}" if changed and a else ""
