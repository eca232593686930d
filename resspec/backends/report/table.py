"""A report as a table for the terminal, with rounded figures; below it they are exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from resspec.backends.report.values import ReportValues
from resspec.backends.report.views import ReportRow
from resspec.backends.table import (
    GAP,
    NARROWEST,
    Column,
    columns,
    longest,
    rounded,
    shown,
    size,
    table,
    taken,
    text,
)
from resspec.ir.quantities import QUANTITIES
from resspec.passes.like import Like
from resspec.passes.receptive import Field

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

FIGURES = {
    "params": "params",
    "macs": "macs",
    "acts": "acts",
    "saved_bytes": "saved",
    "layers": "layers",
}  # with headings
_HOLDS = 40  # columns that a part's contents get before there are others
_LEAST = 7  # columns of contents beside a path
_BAR = 8
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = " ▁▂▃▄▅▆▇█"


def to_table(report: ReportValues, *, width: int = NARROWEST, color: bool = False) -> str:
    """Return lines of at most `width` columns, or 80 where that is less; `…` ends long texts."""
    width = max(width, NARROWEST)
    title = f"{report.network}   input {report.input}   hash {report.hash[:16]}"
    note = "for one sample; flops = 2 macs, of convolutions and linear layers; bars: macs"
    parts: list[RenderableType] = [text(title, "bold"), "", _parts(report, width), ""]
    if report.outputs:
        parts += [_outputs(report), ""]
    parts += [_exact(report, width, of_bytes=False), text(note, "dim"), ""]
    parts.append(_exact(report, width, of_bytes=True))
    parts += (text(line, "dim") for line in memory_lines(report))
    if report.like:
        parts += ["", _bridges(report.like)]
        parts += (text(line, "dim") for line in like_lines(report.like))
    return shown(parts, width, color)


LIKE_HEADINGS = ("like", "total", "starts from", "and adds")


def like_rows(likes: Sequence[Like]) -> Iterator[tuple[str, ...]]:
    """Yield a row of cells for each tool, under LIKE_HEADINGS."""
    for like in likes:
        start, *added = like.bridge
        terms = ", ".join(f"{item.label} {item.value:,}" for item in added)
        yield like.tool, f"{like.total:,}", start.label, terms or "nothing"


def like_lines(likes: Sequence[Like]) -> list[str]:
    """Return what the total of a single tool counts, and what each tool leaves out."""
    left_out = [
        f"{like.tool if len(likes) > 1 else 'it'} adds nothing for {', '.join(like.uncounted)}"
        for like in likes
        if like.uncounted
    ]
    if len(likes) > 1:
        return left_out
    (like,) = likes
    return [f"{like.tool} ({like.version}) counts, for one sample: {like.counts}", *left_out]


def memory_lines(report: ReportValues) -> list[str]:
    """Return the conditions under which memory is counted, and how large a batch fits."""
    at = report.at
    frozen = f", {', '.join(sorted(at.frozen))} frozen" if at.frozen else ""
    moved = f"{float(intensity(report)):.1f} flops per byte moved"
    lines = [f"for a batch of {at.batch:,} in {at.dtype} with {at.optimizer}{frozen}; {moved}"]
    match report.max_batch:
        case (memory, None):
            lines.append(f"any batch fits {size(memory)} for training")
        case (memory, 0):
            lines.append(f"not even one sample fits {size(memory)} for training")
        case (memory, batch):
            largest = f"the largest batch for training in {size(memory)}"
            lines.append(f"{largest} is {batch:,}, by the bound")
    if report.placeholders:
        lines.append(not_counted(report.placeholders))
    return lines


def not_counted(placeholders: int) -> str:
    """Return that the figures of a network leave placeholders out."""
    count = "1 placeholder has" if placeholders == 1 else f"{placeholders:,} placeholders have"
    return f"{count} unknown figures, which are not in any of these totals"


def intensity(report: ReportValues) -> Fraction:
    """Return the flops of the whole batch for each byte that is read or written."""
    return Fraction(report.at.batch * report.totals["flops"], max(1, report.totals["moved_bytes"]))


def figure(name: str, value: int) -> str:
    """Return a quantity for people: with its unit where that is bytes."""
    return size(value).replace(" ", "") if QUANTITIES[name].unit == "bytes" else rounded(value)


def _parts(report: ReportValues, width: int) -> Table:
    """Return a line for each row; what has no room is left out, or shortened."""
    rows, whole = report.rows, report.totals["macs"]
    figures = _figures(report)
    output = columns(("output",), [(row.output,) for row in rows])
    is_repeated = any(row.repeats > 1 for row in rows)
    repeats = columns(("",), [(times(row),) for row in rows]) if is_repeated else []
    room = width - taken([*figures, *output, *repeats])
    label_width = longest("total", *(row.label for row in rows))
    label = Column(report.by, min(label_width, room - GAP - _LEAST), foot="total")
    room -= taken([label])

    has_fields = any(row.field for row in rows)
    fields = columns(("sees",), [(_field(row),) for row in rows], figures=1) if has_fields else []
    shares = [Column("of macs", _BAR + 5)]
    needed = longest("holds", *(row.holds for row in rows))
    for optional in (shares, fields):
        if room - taken(optional) < min(needed, _HOLDS):
            optional.clear()
        room -= taken(optional)
    draw = _share if shares else _level
    if not shares and room - 1 - GAP >= min(needed, _LEAST):
        shares.append(Column("", 1))
        room -= taken(shares)

    holds = Column("holds", min(needed, room))
    made = table([label, holds, *repeats, *output, *fields, *figures, *shares], footer=True)
    for row in rows:
        made.add_row(
            text(_ending(row.label, label.width)),
            text(row.holds),
            *(times(row) for _ in repeats),
            text(row.output),
            *(_field(row) for _ in fields),
            *(figure(name, row.figures[name]) for name in FIGURES),
            *(draw(row.figures["macs"], whole) for _ in shares),
        )
    return made


OUTPUT_HEADINGS = ("output", "shape", "channels", "stride", "sees")


def output_rows(report: ReportValues) -> list[tuple[str, ...]]:
    """Return a line for each output: its name and shape, its stride, and how much it sees."""
    return [
        (each.name, each.shape, str(each.channels), _stride(each.field), _seen(each.field))
        for each in report.outputs
    ]


def _outputs(report: ReportValues) -> Table:
    lines = output_rows(report)
    made = table(columns(OUTPUT_HEADINGS, lines, figures=3))
    for line in lines:
        made.add_row(*map(text, line))
    return made


def _figures(report: ReportValues) -> list[Column]:
    sides = [report.totals, *(row.figures for row in report.rows)]
    cells = [[figure(name, side[name]) for name in FIGURES] for side in sides]
    made = columns(FIGURES.values(), cells, figures=len(FIGURES))
    return [
        column._replace(width=max(6, column.width), foot=foot)
        for column, foot in zip(made, cells[0], strict=True)
    ]


def _ending(path: str, width: int) -> str:
    """Return the last part of a path that is too long: rows of one block differ in it."""
    return path if longest(path) <= width else f"…{path[1 - width :]}"


def times(row: ReportRow) -> str:
    return f"× {row.repeats:,}" if row.repeats > 1 else ""


def _field(row: ReportRow) -> str:
    """Return how much of the input an output sees, and the stride: `483, /32`."""
    if row.field is None:
        return ""
    size, stride = _seen(row.field), _stride(row.field)
    return size if stride == "1" else f"{size}, /{stride}"


def _seen(field: Field) -> str:
    height, width = field.size
    return f"{height}" if height == width else f"{height}x{width}"


def _stride(field: Field) -> str:
    down, right = field.stride
    return f"{down}" if down == right else f"{down}x{right}"


def _exact(report: ReportValues, width: int, of_bytes: bool) -> Table:
    """Return the totals to the unit, in two columns where they fit."""
    from rich.table import Table

    totals = [
        (name, f"{report.totals[name]:,}")
        for name, quantity in QUANTITIES.items()
        if (quantity.unit == "bytes") is of_bytes
    ]
    half = (len(totals) + 1) // 2
    sides = [columns(("", ""), side) for side in (totals[:half], totals[half:])]
    lines = half if sum(map(taken, sides)) - GAP <= width else len(totals)
    made = Table.grid(padding=(0, GAP, 0, 0))
    for i in range(4):
        made.add_column(justify="right" if i % 2 else "left", no_wrap=True)
    for i in range(lines):
        made.add_row(*(word for total in totals[i::lines] for word in total))
    return made


def _bridges(likes: Sequence[Like]) -> Table:
    """Return a tool's total as a sum, a line for each term; or a line for each of several tools."""
    from rich.table import Table

    if len(likes) > 1:
        made = Table.grid(padding=(0, GAP, 0, 0))
        for heading in LIKE_HEADINGS:
            is_total = heading == "total"
            made.add_column(
                no_wrap=heading != LIKE_HEADINGS[-1], justify="right" if is_total else "left"
            )
        for row in (LIKE_HEADINGS, *like_rows(likes)):
            made.add_row(*map(text, row), style="bold" if row is LIKE_HEADINGS else None)
        return made

    (like,) = likes
    made = Table.grid(padding=(0, GAP, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(justify="right", no_wrap=True)
    made.add_row(text(f"like {like.tool}", "bold"), f"{like.total:,}")
    for sign, (label, value) in zip("=" + "+" * len(like.bridge), like.bridge, strict=False):
        made.add_row(f"{sign if value >= 0 else '-'} {label}", f"{abs(value):,}")
    return made


def _level(part: int, whole: int) -> Text:
    """Return the share where there is room for a cell."""
    eighths = min(8, -(-part * 8 // whole)) if whole else 0
    return text(_LEVELS[eighths], "cyan")


def _share(part: int, whole: int) -> Text:
    eighths = part * _BAR * 8 // whole if whole else 0
    bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8]
    share = f"{part / whole:4.0%}" if whole else ""
    return text(f"{bar:<{_BAR + 1}}", "cyan").append(share, "default")
