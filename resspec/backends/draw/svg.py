"""A drawing as SVG: text that can be selected, for dark and light pages, with a description."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from resspec.backends.draw import SIGNS
from resspec.backends.draw.shapes import (
    Bracket,
    ColorScale,
    Drawing,
    Join,
    PlacedBox,
    PlacedOutput,
    Point,
    Rule,
    Sample,
    SectionPanel,
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
_ARROW = (
    '<defs><marker id="net-arrow" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="8.5"'
    ' markerHeight="8.5"\n markerUnits="userSpaceOnUse" orient="auto">'
    '<path class="arrow" d="M0.6 0.8L7.6 4L0.6 7.2Z"/></marker></defs>'
)


def style() -> str:
    """Return the style sheet of a drawing; all of it is within `.net`."""
    return Path(__file__).with_name("drawing.css").read_text(encoding="utf-8")


def to_svg(drawing: Drawing, *, alone: bool = True) -> str:
    """Return a whole file; not `alone`, an element of a page that has the style already."""
    return "\n".join(_lines(drawing, alone)) + "\n"


def _lines(drawing: Drawing, alone: bool) -> Iterator[str]:
    width, height = _number(drawing.width), _number(drawing.height)
    described = 'aria-labelledby="net-title" aria-describedby="net-says"'
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" class="net" role="img" {described} {size}>'
    yield _element("title", _text(drawing.title), id="net-title")
    yield _element("desc", _text(drawing.says), id="net-says")
    if alone:
        yield f"<style>\n{style()}</style>"
    yield _ARROW
    yield _element("rect", class_="page", width=drawing.width, height=drawing.height)
    for rule in drawing.of(Rule):
        yield _path("rule", f"M12 {_number(rule.y)}H{_number(drawing.width - 12)}")
    yield from map(_panel, drawing.of(SectionPanel))
    yield from map(_wire, drawing.of(Wire))
    yield from map(_bracket, drawing.of(Bracket))
    yield from (_box(box, not alone) for box in drawing.of(PlacedBox))
    yield from (_join(join, not alone) for join in drawing.of(Join))
    yield from map(_output, drawing.of(PlacedOutput))
    yield from map(_words, drawing.of(Words))
    yield from map(_sample, drawing.of(Sample))
    for scale in drawing.of(ColorScale):
        yield from _scale(scale)
    yield "</svg>"


# --- elements ---


def _element(tag: str, *inside: str, **attributes: str | float | None) -> str:
    """Return an element; an attribute of None is left out."""
    text = tag
    for name, value in attributes.items():
        if value is not None:
            shown = value if isinstance(value, str) else _number(value)
            text += f' {name.rstrip("_").replace("_", "-")}="{shown}"'
    return f"<{text}>{''.join(inside)}</{tag}>" if inside else f"<{text}/>"


def _path(style: str, d: str, *inside: str, **attributes: str | None) -> str:
    return _element("path", *inside, class_=style, d=d, **attributes)


def _label(style: str, text: str, x: float, y: float, anchor: str | None = None) -> str:
    return _element("text", _text(text), class_=style, x=x, y=y, text_anchor=anchor)


def _panel(panel: SectionPanel) -> str:
    return _element(
        "rect",
        class_=f"panel {panel.tint}",
        data_section=f"{panel.column} {panel.section}",
        x=panel.x,
        y=panel.y,
        width=panel.width,
        height=panel.height,
        rx=8,
    )


def _wire(wire: Wire) -> str:
    classes = ["wire", "dashed" if wire.dashed else "", SIGNS.get(wire.sign, "")]
    arrow = "url(#net-arrow)" if wire.arrow else None
    says = [_element("title", _text(wire.says))] if wire.says else []
    style = " ".join(filter(None, classes))
    return _path(style, _rounded(wire.points), *says, marker_end=arrow)


def _rounded(points: tuple[Point, ...]) -> str:
    """Return a path along the points, its corners cut by curves."""
    d = f"M{_at(points[0])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        is_last = after == points[-1]
        room = _length(corner, after) / (1 if is_last else 2)
        radius = min(_CORNER, _length(before, corner) / 2, room)
        start, end = _toward(corner, before, radius), _toward(corner, after, radius)
        d += f"L{_at(start)}Q{_at(corner)} {_at(end)}"
    return f"{d}L{_at(points[-1])}"


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _toward(a: Point, b: Point, distance: float) -> Point:
    share = distance / (_length(a, b) or 1)
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _bracket(bracket: Bracket) -> str:
    x, top, bottom = bracket.x, bracket.top, bracket.bottom
    right = _number(x + 4)
    line = _path("bracket", f"M{_at((x + 4, top))}H{_number(x)}V{_number(bottom)}H{right}")
    return line + _label("times", f"× {bracket.turns:,}", x - 5, (top + bottom) / 2 + 4, "end")


def _box(placed: PlacedBox, rows: bool) -> str:
    box, x, y, width, height = placed.box, placed.x, placed.y, placed.width, placed.height
    tint = SIGNS.get(box.sign, placed.tint)
    text = f"{box.sign.replace('-', '−')} {box.label}".lstrip()
    corner = 3 if box.quiet else 4
    return _element(
        "g",
        _element("title", _text(placed.says)),
        _element("rect", class_=f"box {tint}", x=x, y=y, width=width, height=height, rx=corner),
        _label(f"on-{tint}", text, x + width / 2, y + height / 2 + 4, "middle"),
        class_="layer quiet" if box.quiet else "layer",
        data_rows=_rows(placed.column, box.entries) if rows else None,
    )


def _join(join: Join, rows: bool) -> str:
    branch = join.branch
    return _element(
        "g",
        _element("title", f"{branch.merge} → {branch.output}"),
        _element("circle", class_=f"join {SIGNS.get(branch.sign, '')}", r=6.5),
        _path("joint", _MARKS[branch.merge]),
        class_="merge",
        data_rows=_rows(join.column, branch.entries) if rows else None,
        transform=f"translate({_at(join.center)})",
    )


def _output(output: PlacedOutput) -> str:
    return _label("leaves", output.name, output.x, output.y + 3.5)


def _rows(column: int, entries: tuple[int, ...]) -> str | None:
    """Return the rows of a page's table that an element belongs to."""
    return " ".join(f"{column}.{entry}" for entry in entries) or None


def _words(words: Words) -> str:
    anchor = None if words.align == "start" else words.align
    return _label(words.style, words.text, words.x, words.y, anchor)


def _sample(sample: Sample) -> str:
    return _sample_mark(sample) + _label("sample", sample.text, sample.x, sample.y)


def _sample_mark(sample: Sample) -> str:
    x, y = sample.x, sample.y
    match sample.kind:
        case "dashed":
            return _path("wire dashed", f"M{_at((x - 32, y - 3.5))}H{_number(x - 7)}")
        case "output":
            line = f"M{_at((x - 32, y - 3.5))}H{_number(x - 7)}"
            return _path("wire", line, marker_end="url(#net-arrow)")
        case "add" | "mul" | "concat" as merge:
            circle = _element("circle", class_="join", r=6.5)
            place = f"translate({_at((x - 12, y - 3.5))})"
            return _element("g", circle, _path("joint", _MARKS[merge]), transform=place)
        case sign:
            style = SIGNS[sign]
            left, top = x - 18, y - 10
            box = _element("rect", class_=style, x=left, y=top, width=13, height=13, rx=3)
            return box + _label(style, sign.replace("-", "−"), x - 11.5, y, "middle")


def _scale(scale: ColorScale) -> Iterator[str]:
    yield _label("sample", scale.title, scale.x, scale.y)
    for i, mark in enumerate(scale.marks):
        x, y = scale.x + i * scale.step, scale.y
        yield _element("rect", class_=f"q{i}", x=x, y=y + 6, width=scale.step, height=12)
        yield _label("mark", mark, x, y + 30)


def _at(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(words: str) -> str:
    return escape(visible(words))
