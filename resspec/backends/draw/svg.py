"""A drawing as SVG: text that can be selected and searched, for dark and light pages, read out as a title and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from resspec.backends.draw import SIGNS
from resspec.backends.draw.shapes import (
    Bracket,
    Drawing,
    Join,
    Panel,
    PlacedBox,
    Point,
    Ramp,
    Sample,
    Wire,
    Words,
)
from resspec.render import visible

_CORNER = 14.0  # the radius of a wire's corners, where it is long enough
_MARKS = {
    "add": "M-3.2 0H3.2M0 -3.2V3.2",
    "mul": "M-2.4 -2.4L2.4 2.4M-2.4 2.4L2.4 -2.4",
    "concat": "M-2.6 0H2.6M-2.6 -2V2M2.6 -2V2",
}


def style() -> str:
    """The style sheet of a drawing; all of it is within `.net`."""
    return Path(__file__).with_name("drawing.css").read_text(encoding="utf-8")


def to_svg(drawing: Drawing, *, alone: bool = True) -> str:
    """A whole file; not `alone`, an element of a page that has the style already."""
    return "\n".join(_lines(drawing, alone)) + "\n"


def _lines(drawing: Drawing, alone: bool) -> Iterator[str]:
    width, height = _number(drawing.width), _number(drawing.height)
    yield (
        '<svg xmlns="http://www.w3.org/2000/svg" class="net" role="img" aria-labelledby="net-title" '
        f'aria-describedby="net-says" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    )
    yield f'<title id="net-title">{_text(drawing.title)}</title>'
    yield f'<desc id="net-says">{_text(drawing.says)}</desc>'
    if alone:
        yield f"<style>\n{style()}</style>"
    yield '<defs><marker id="net-arrow" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="8.5" markerHeight="8.5"'
    yield ' markerUnits="userSpaceOnUse" orient="auto"><path class="arrow" d="M0.6 0.8L7.6 4L0.6 7.2Z"/></marker></defs>'
    yield f'<rect class="page" width="{width}" height="{height}"/>'
    for rule in drawing.rules:
        yield f'<path class="rule" d="M12 {_number(rule.y)}H{_number(drawing.width - 12)}"/>'
    yield from map(_panel, drawing.panels)
    yield from map(_wire, drawing.wires)
    yield from map(_bracket, drawing.brackets)
    yield from (_box(box, not alone) for box in drawing.boxes)
    yield from (_join(join, not alone) for join in drawing.joins)
    yield from map(_words, drawing.words)
    yield from map(_sample, drawing.legend)
    if drawing.ramp:
        yield from _ramp(drawing.ramp)
    yield "</svg>"


def _panel(panel: Panel) -> str:
    return (
        f'<rect class="panel {panel.tint}" data-section="{panel.column} {panel.section}" x="{_number(panel.x)}" '
        f'y="{_number(panel.y)}" width="{_number(panel.width)}" height="{_number(panel.height)}" rx="8"/>'
    )


def _wire(wire: Wire) -> str:
    classes = [
        "wire",
        *(["dashed"] if wire.dashed else []),
        *([SIGNS[wire.sign]] if wire.sign else []),
    ]
    arrow = ' marker-end="url(#net-arrow)"' if wire.arrow else ""
    says = f"<title>{_text(wire.says)}</title>" if wire.says else ""
    path = f'<path class="{" ".join(classes)}" d="{_rounded(wire.points)}"{arrow}'
    return f"{path}>{says}</path>" if says else f"{path}/>"


def _rounded(points: tuple[Point, ...]) -> str:
    """A path along the points, its corners cut by curves."""
    words = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(
            _CORNER,
            _length(before, corner) / 2,
            _length(corner, after) / (1 if after == points[-1] else 2),
        )
        words.append(
            f"L{_at(_toward(corner, before, radius))}Q{_at(corner)} {_at(_toward(corner, after, radius))}"
        )
    return "".join([*words, f"L{_at(points[-1])}"])


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _toward(a: Point, b: Point, distance: float) -> Point:
    share = distance / (_length(a, b) or 1)
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _bracket(bracket: Bracket) -> str:
    x, top, bottom = bracket.x, bracket.top, bracket.bottom
    return (
        f'<path class="bracket" d="M{_at((x + 4, top))}H{_number(x)}V{_number(bottom)}H{_number(x + 4)}"/>'
        f'<text class="times" x="{_number(x - 5)}" y="{_number((top + bottom) / 2 + 4)}" text-anchor="end">'
        f"× {bracket.turns:,}</text>"
    )


def _box(placed: PlacedBox, rows: bool) -> str:
    box, x, y = placed.box, placed.x, placed.y
    tint = SIGNS.get(box.sign, placed.tint)
    words = f"{box.sign.replace('-', '−')} {box.label}".lstrip()
    return (
        f'<g class="layer{" quiet" * box.quiet}"{_rows(placed.column, box.entries) if rows else ""}>'
        f'<title>{_text(placed.says)}</title><rect class="box {tint}" x="{_number(x)}" y="{_number(y)}" '
        f'width="{_number(placed.width)}" height="{_number(placed.height)}" rx="{3 if box.quiet else 4}"/>'
        f'<text class="on-{tint}" x="{_number(x + placed.width / 2)}" y="{_number(y + placed.height / 2 + 4)}" '
        f'text-anchor="middle">{_text(words)}</text></g>'
    )


def _join(join: Join, rows: bool) -> str:
    branch = join.branch
    links = _rows(join.column, branch.entries) if rows else ""
    return (
        f'<g class="merge"{links} transform="translate({_at(join.center)})"><title>{branch.merge} → {branch.output}</title>'
        f'<circle class="join {SIGNS.get(branch.sign, "")}" r="6.5"/><path class="joint" d="{_MARKS[branch.merge]}"/></g>'
    )


def _rows(column: int, entries: tuple[int, ...]) -> str:
    """Which rows of a page's table it belongs to."""
    return f' data-rows="{" ".join(f"{column}.{entry}" for entry in entries)}"' if entries else ""


def _words(words: Words) -> str:
    anchor = "" if words.align == "start" else f' text-anchor="{words.align}"'
    return f'<text class="{words.style}" x="{_number(words.x)}" y="{_number(words.y)}"{anchor}>{_text(words.text)}</text>'


def _sample(sample: Sample) -> str:
    x, y = sample.x, sample.y
    match sample.kind:
        case "dashed":
            mark = f'<path class="wire dashed" d="M{_at((x - 32, y - 3.5))}H{_number(x - 7)}"/>'
        case "add" | "mul" | "concat":
            mark = (
                f'<g transform="translate({_at((x - 12, y - 3.5))})"><circle class="join" r="6.5"/>'
                f'<path class="joint" d="{_MARKS[sample.kind]}"/></g>'
            )
        case sign:
            mark = (
                f'<rect class="{SIGNS[sign]}" x="{_number(x - 18)}" y="{_number(y - 10)}" width="13" height="13" rx="3"/>'
                f'<text class="{SIGNS[sign]}" x="{_number(x - 11.5)}" y="{_number(y)}" text-anchor="middle">'
                f"{sign.replace('-', '−')}</text>"
            )
    return (
        f'{mark}<text class="sample" x="{_number(x)}" y="{_number(y)}">{_text(sample.text)}</text>'
    )


def _ramp(ramp: Ramp) -> Iterator[str]:
    yield f'<text class="sample" x="{_number(ramp.x)}" y="{_number(ramp.y)}">{_text(ramp.title)}</text>'
    for i, mark in enumerate(ramp.marks):
        x = ramp.x + i * ramp.step
        yield f'<rect class="q{i}" x="{_number(x)}" y="{_number(ramp.y + 6)}" width="{_number(ramp.step)}" height="12"/>'
        yield f'<text class="mark" x="{_number(x)}" y="{_number(ramp.y + 30)}">{_text(mark)}</text>'


def _at(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(words: str) -> str:
    return escape(visible(words))
