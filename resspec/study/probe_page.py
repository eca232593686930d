"""The files of a probe: `blocks.csv` and `layers.csv`, a picture of all networks, and a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite, log10
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from resspec.backends.markdown import code, escaped, table
from resspec.backends.sheet import to_sheet
from resspec.files import write
from resspec.study.pictures import LineEnd, color_of, figure_of, name_ends
from resspec.study.probe import Probed
from resspec.training.output.curves import COLOURS, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEADINGS = (
    "network",
    "blocks",
    "spread, first",
    "spread, last",
    "response, median",
    "gradient, first",
    "gradient, last",
    "first / last",
)
TOLERANCE = 1e-10
_BLOCKS = "network block path mean spread gradient".split()
_LAYERS = "network layer path response_spread".split()
_PAGE = """\
# Signal and gradient through the depth

{setting}

![activations, responses and gradients by depth](probe.svg)

{table}

Spread: the standard deviation of a block's output. Response: that of a convolution's output after
its norm, before activation and sum; it is 1 after a norm that has not been trained. Gradient: the
norm of the loss's gradient at a block's input. All in float32, where what is too small is 0.

## The seed equation

∂E/∂x_l = ∂E/∂x_L · (1 + ∂/∂x_l Σ F), in float64:

{seed}

The figures are in `blocks.csv` and `layers.csv`.
"""


class Panel(NamedTuple):
    """Values by place, for each network."""

    title: str
    across: str
    values: Sequence[Sequence[float]]


def cells(probed: Sequence[Probed]) -> list[tuple[str, ...]]:
    """Return a line of HEADINGS for each network."""
    rows = []
    for each in probed:
        first, last = each.blocks[0], each.blocks[-1]
        spreads = sorted(response.spread for response in each.responses)
        median = spreads[len(spreads) // 2] if spreads else None
        ratio = first.gradient / last.gradient if last.gradient else None
        figures = (first.spread, last.spread, median, first.gradient, last.gradient, ratio)
        texts = ("" if figure is None else f"{figure:.3g}" for figure in figures)
        rows.append((each.name, str(len(each.blocks)), *texts))
    return rows


def seed_lines(probed: Iterable[Probed]) -> Iterator[str]:
    """Yield the outcome of the seed equation, a sentence for each run of blocks."""
    probed = list(probed)
    if without := [each.name for each in probed if not each.checked]:
        names = ", ".join(without)
        yield f"no two blocks in a row are x + F(x), so the seed equation says nothing of: {names}"
    for each in probed:
        for run in each.checked:
            holds = run.error <= TOLERANCE
            word = f"holds to {run.error:.0e}" if holds else f"FAILS: {run.error:.1e} apart"
            over = f"over {run.blocks} blocks, {run.first} … {run.last}"
            share = f"{run.share:.2g} times the part through the identities"
            yield (
                f"{each.name}: the seed equation {word} {over};"
                f" the part through the residuals is {share}"
            )


def leave(probed: Sequence[Probed], setting: str, out: Path) -> Path:
    """Write all files, and return the path of the page."""
    blocks = ((each.name, i, *block) for each in probed for i, block in enumerate(each.blocks, 1))
    write(out / "blocks.csv", to_sheet(_BLOCKS, blocks).encode())
    layers = (
        (each.name, i, *layer) for each in probed for i, layer in enumerate(each.responses, 1)
    )
    write(out / "layers.csv", to_sheet(_LAYERS, layers).encode())
    picture(probed, out)

    rows = [tuple(map(escaped, row)) for row in cells(probed)]
    text = _PAGE.format(
        setting=setting,
        table="\n".join(table(HEADINGS, rows, figures=len(HEADINGS) - 1)),
        seed="\n".join(f"- {code(line)}" for line in seed_lines(probed)),
    )
    write(out / "README.md", text.encode())
    return out / "README.md"


def picture(probed: Sequence[Probed], out: Path) -> list[Path]:
    """Draw three panels, logarithmic, without what is zero or not finite; return the files."""
    spreads = [[block.spread for block in each.blocks] for each in probed]
    responses = [[response.spread for response in each.responses] for each in probed]
    gradients = [[block.gradient for block in each.blocks] for each in probed]
    panels = (
        Panel("spread of a block's output", "block", spreads),
        Panel("spread of a layer's response", "layer", responses),
        Panel("gradient at a block's input, norm", "block", gradients),
    )
    figure, row = figure_of(13, 4.4, 3, sharey=False)
    for axes, panel in zip(row, panels, strict=True):
        _draw(axes, panel)
    _names(row[-1], [each.name for each in probed], gradients)
    return saved(figure, out, "probe")


def _draw(axes: Axes, panel: Panel) -> None:
    axes.set_yscale("log")
    is_short = max(map(len, panel.values)) <= 30
    for number, values in enumerate(panel.values):
        points = [(place, value) for place, value in enumerate(values, 1) if _drawable(value)]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                color=color_of(number),
                lw=1.7,
                ls="-" if number < len(COLOURS) else "--",
                marker="o" if is_short else None,
                markersize=3.5,
            )
    axes.set_title(panel.title, loc="left", fontweight="bold")
    axes.set_xlabel(panel.across)
    drawn = [value for values in panel.values for value in values if _drawable(value)] or [1.0]
    _scale(axes, min(drawn), max(drawn))


def _scale(axes: Axes, low: float, high: float) -> None:
    """Show a decade at least; plain numbers where the powers of ten would be few."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    room = max(1.6, (10 * low / high) ** 0.5)
    axes.set_ylim(low / room, high * room)
    axes.yaxis.set_minor_formatter(NullFormatter())
    if low > 1e-4 and high < 1e5 and high / low < 100:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _names(axes: Axes, names: Sequence[str], values: Sequence[Sequence[float]]) -> None:
    """Write names beside the last points; at the foot, where nothing is drawn."""
    low, high = (log10(limit) for limit in axes.get_ylim())
    ends = []
    for number, (name, each) in enumerate(zip(names, values, strict=True)):
        seen = [value for value in each if _drawable(value)]
        place = (log10(seen[-1]) - low) / (high - low) if seen else 0.0
        rest = " (elsewhere 0)" if seen else " (0 everywhere)"
        words = name if len(seen) == len(each) else name + rest
        ends.append(LineEnd(place, words, color_of(number)))
    name_ends(axes, ends, 0.055, "axes fraction")


def _drawable(value: float) -> bool:
    return isfinite(value) and value > 0
