"""A drawing as PNG: its SVG, rendered by resvg."""

from __future__ import annotations

from math import sqrt

from resspec.backends.draw.shapes import Drawing
from resspec.backends.draw.svg import to_svg
from resspec.diagnostics import UsageError

_ZOOM = 2.0  # pixels of the file for one of the drawing
_MOST = 60e6  # pixels of a file: what is larger is drawn smaller


def to_png(drawing: Drawing) -> bytes:
    """On white, in a font of the system. Raises ModuleNotFoundError where resvg-py is not installed, UsageError where there
    is no font."""
    zoom = min(_ZOOM, sqrt(_MOST / (drawing.width * drawing.height)))
    if _rendered("<text y='9'>x</text>") == _rendered(""):
        raise UsageError("a PNG needs a font, and this system has none that resvg finds: install one, or write an .svg")
    return _png(to_svg(drawing), zoom)


def _rendered(inside: str) -> bytes:
    return _png(f"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>{inside}</svg>", 1)


def _png(svg: str, zoom: float) -> bytes:
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=zoom, background="#ffffff"))
