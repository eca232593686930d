"""Tables for the terminal: rich is given all widths, so that no figure is ever cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple

from resspec.render import visible

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

NARROWEST = 80  # columns; a narrower terminal wraps the lines
GAP = 2  # cells between columns


class Column(NamedTuple):
    heading: str
    width: int
    figures: bool = False
    foot: str = ""


def table(columns: Iterable[Column], *, footer: bool = False) -> Table:
    """Return an empty table; what is too long for its column ends in `…`."""
    from rich import box
    from rich.table import Table

    made = Table(
        box=box.SIMPLE,
        padding=(0, GAP - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_footer=footer,
        header_style="bold",
        footer_style="bold",
    )
    for column in columns:
        made.add_column(
            column.heading,
            column.foot,
            width=column.width,
            no_wrap=True,
            justify="right" if column.figures else "left",
        )
    return made


def columns(
    headings: Iterable[str], rows: Iterable[Sequence[str]], *, figures: int = 0
) -> list[Column]:
    """Return columns as wide as their cells need, the last of which are `figures`."""
    cells = list(zip(headings, *rows, strict=True))
    first = len(cells) - figures
    return [Column(column[0], longest(*column), i >= first) for i, column in enumerate(cells)]


def taken(columns: Iterable[Column]) -> int:
    """Return the width of columns that stand beside others."""
    return sum(column.width + GAP for column in columns)


def filled(columns: Iterable[Column], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table of rows."""
    made = table(columns)
    for row in rows:
        made.add_row(*map(text, row))
    return made


def text(words: str, style: str = "") -> Text:
    """Return a text that a terminal can be given."""
    from rich.text import Text

    return Text(visible(words), style)


def longest(*words: str) -> int:
    """Return the cells of the longest text, as `text` makes it."""
    return max(text(word).cell_len for word in words)


def shown(parts: Iterable[RenderableType], width: int, color: bool) -> str:
    """Return what rich renders of these parts, one below the other."""
    from rich.console import Console

    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        force_jupyter=False,  # there rich would display the text beside returning it
        color_system="standard" if color else None,
        legacy_windows=False,
        highlight=False,
    )
    for part in parts:
        console.print(part)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def rounded(value: int) -> str:
    """Return a number, exact up to four digits, else with three: `1000`, `118M`, `60.2M`."""
    if abs(value) < 10_000:
        return str(value)
    size = float(value)
    for unit in ("", "K", "M", "G", "T", "P", "E"):
        if abs(size) < 999.5:
            return f"{size:.{3 - len(f'{abs(size):.0f}')}f}{unit}"
        size /= 1000
    return f"{value:.1e}"


def size(value: int) -> str:
    """Return bytes with three digits and a decimal unit: `512 B`, `86.1 MB`."""
    number = rounded(value)
    digits = number.rstrip("KMGTPE")
    return f"{digits} {number[len(digits) :]}B"
