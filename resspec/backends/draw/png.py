"""A drawing as PNG: its SVG, rendered by resvg."""

from __future__ import annotations

from math import sqrt

from resspec.backends.draw.shapes import Drawing
from resspec.backends.draw.svg import to_svg
from resspec.diagnostics import UsageError

_ZOOM = 2.0  # pixels of the file for one of the drawing
_MOST = 60e6  # pixels of a file: what is larger is drawn smaller

# For `sans-serif`: resvg asks the system's configuration, which often names a missing font.
_FAMILIES = (
    "Helvetica Neue",
    "Helvetica",
    "Arial",
    "Liberation Sans",
    "DejaVu Sans",
    "Noto Sans",
    "Nimbus Sans",
    "FreeSans",
    "Ubuntu",
    "Cantarell",
    "Adwaita Sans",
    "Inter",
    "Roboto",
    "Open Sans",
    "Lato",
    "Carlito",
    "Segoe UI",
    "Verdana",
)


def to_png(drawing: Drawing) -> bytes:
    """Return a drawing as PNG, on white, in a font of the system.

    Raises:
        ModuleNotFoundError: resvg-py is not installed.
        UsageError: There is no font.
    """
    family = _installed_family()
    if family is None:
        raise UsageError(
            "a PNG needs a font, and none of the usual ones is installed: install DejaVu Sans "
            "(on Debian and Ubuntu the package fonts-dejavu-core), or write an .svg"
        )

    zoom = min(_ZOOM, sqrt(_MOST / (drawing.width * drawing.height)))
    return _png(to_svg(drawing), zoom, family)


def _installed_family() -> str | None:
    """Return the first family in which a letter leaves a trace."""
    for family in _FAMILIES:
        if _letter("x", family) != _letter(" ", family):
            return family
    return None


def _letter(letter: str, family: str) -> bytes:
    text = f"<text y='9' font-family='sans-serif'>{letter}</text>"
    return _png(
        f"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>{text}</svg>", 1, family
    )


def _png(svg: str, zoom: float, family: str) -> bytes:
    import resvg_py

    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, zoom=zoom, background="#ffffff", sans_serif_family=family
        )
    )
