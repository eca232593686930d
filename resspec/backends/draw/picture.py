"""A drawing for Python: as SVG, as a file, in a notebook."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from resspec.backends.draw import Pictured, draw
from resspec.backends.draw.shapes import Drawing
from resspec.diagnostics import UsageError
from resspec.files import write
from resspec.ir.network import Network
from resspec.passes.quantities import Facts

MOST = 50_000  # layers that can be drawn one by one


class Picture:
    """Networks, drawn side by side. A notebook shows it.

    Attributes:
        svg: The drawing as SVG, for light and dark pages.
    """

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing

    @property
    def svg(self) -> str:
        from resspec.backends.draw.svg import to_svg

        return to_svg(self._drawing)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file.

        Args:
            path: The file, which ends in `.svg`, or in `.png` where `resspec[png]` is installed.

        Raises:
            UsageError: The name has another ending, or the file cannot be written.
        """
        file = Path(path)
        if file.suffix not in (".svg", ".png"):
            raise UsageError(f"{file} is not a picture: a drawing is an .svg or a .png")
        write(file, to_png(self._drawing) if file.suffix == ".png" else self.svg.encode())

    def _repr_svg_(self) -> str:
        return self.svg


def picture(
    networks: Sequence[Network], *, unfold: bool, layers: bool, color_by: str | None
) -> Picture:
    """Return the drawing of networks. Raises UsageError for none, or one that is too large."""
    if not networks:
        raise UsageError("there is no network to draw")
    facts = [Facts(network) for network in networks]
    for each in facts:
        check_size(each, unfold=unfold)
    pictured = [Pictured(each, each.network.name) for each in facts]
    return Picture(draw(pictured, unfold=unfold, layers=layers, color_by=color_by))


def check_size(facts: Facts, *, unfold: bool) -> None:
    """Check that a network is not too large to be drawn. Raises UsageError."""
    drawn = sum(entry.times if unfold else 1 for entry, _ in facts.entries)
    if drawn > MOST:
        folded = "; folded, repeats are drawn once" if unfold else ""
        name = facts.network.name
        raise UsageError(
            f"{name} has {drawn:,} layers and merges; a picture has at most {MOST:,}{folded}"
        )


def to_png(drawing: Drawing) -> bytes:
    """Return a drawing as a PNG. Raises UsageError where resvg-py is not installed."""
    from resspec.backends.draw import png

    try:
        return png.to_png(drawing)
    except ModuleNotFoundError:
        help = "pip install 'resspec[png]', or write an .svg"
        raise UsageError(f"a PNG needs resvg-py, which is not installed: {help}") from None
