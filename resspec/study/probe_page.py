"""What a probe leaves: blocks.csv and layers.csv, one picture of all networks, one page, and a table for the terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite, log10
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from resspec.backends.markdown import code, escaped, table
from resspec.files import write
from resspec.study.probe import Probed
from resspec.training.output.curves import COLOURS, STYLE, apart, saved

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


class Panel(NamedTuple):
    """Values by place, for each network."""

    title: str
    across: str
    values: Sequence[Sequence[float]]


def cells(probed: Sequence[Probed]) -> list[tuple[str, ...]]:
    """A line a network."""
    rows = list[tuple[str, ...]]()
    for each in probed:
        first, last = each.blocks[0], each.blocks[-1]
        spreads = sorted(response.spread for response in each.responses)
        ratio = f"{first.gradient / last.gradient:.3g}" if last.gradient else ""
        rows.append(
            (
                each.name,
                str(len(each.blocks)),
                f"{first.spread:.3g}",
                f"{last.spread:.3g}",
                f"{spreads[len(spreads) // 2]:.3g}" if spreads else "",
                f"{first.gradient:.3g}",
                f"{last.gradient:.3g}",
                ratio,
            )
        )
    return rows


def seed_lines(probed: Iterable[Probed]) -> Iterator[str]:
    """What came of the seed equation."""
    probed = list(probed)
    if without := [each.name for each in probed if not each.checked]:
        yield f"no two blocks in a row are x + F(x), so the seed equation says nothing of: {', '.join(without)}"
    for each in probed:
        for run in each.checked:
            word = (
                f"holds to {run.error:.0e}"
                if run.error <= TOLERANCE
                else f"FAILS: {run.error:.1e} apart"
            )
            yield (
                f"{each.name}: the seed equation {word} over {run.blocks} blocks, {run.first} … {run.last};"
                f" the part through the residuals is {run.share:.2g} times the part through the identities"
            )


TOLERANCE = 1e-10


def leave(probed: Sequence[Probed], setting: str, out: Path) -> Path:
    """All files; gives the page's path."""
    _csv(
        out / "blocks.csv",
        ("network", "block", "path", "mean", "spread", "gradient"),
        ((each.name, i, *block) for each in probed for i, block in enumerate(each.blocks, 1)),
    )
    _csv(
        out / "layers.csv",
        ("network", "layer", "path", "response_spread"),
        (
            (each.name, i, *response)
            for each in probed
            for i, response in enumerate(each.responses, 1)
        ),
    )
    picture(probed, out)
    rows = [tuple(map(escaped, row)) for row in cells(probed)]
    lines = [
        "# Signal and gradient through the depth",
        "",
        setting,
        "",
        "![activations, responses and gradients by depth](probe.svg)",
        "",
        *table(HEADINGS, rows, figures=len(HEADINGS) - 1),
        "",
        "Spread: the standard deviation of what a block leaves. Response: that of what a layer of weights leaves, after",
        "its norm, before activation and sum: 1 after a norm that has not been trained. Gradient: the norm of the loss's",
        "gradient at a block's input. All in float32, where what is too small is 0.",
        "",
        "## The seed equation",
        "",
        "∂E/∂x_l = ∂E/∂x_L · (1 + ∂/∂x_l Σ F), in float64:",
        "",
        *(f"- {code(line)}" for line in seed_lines(probed)),
        "",
        "The figures are in `blocks.csv` and `layers.csv`.",
        "",
    ]
    write(out / "README.md", "\n".join(lines).encode())
    return out / "README.md"


def picture(probed: Sequence[Probed], out: Path) -> list[Path]:
    """Three panels, logarithmic; what is zero or not finite is left out."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    panels = (
        Panel(
            "spread of a block's output",
            "block",
            [[block.spread for block in each.blocks] for each in probed],
        ),
        Panel(
            "spread of a layer's response",
            "layer",
            [[response.spread for response in each.responses] for each in probed],
        ),
        Panel(
            "gradient at a block's input, norm",
            "block",
            [[b.gradient for b in each.blocks] for each in probed],
        ),
    )
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(13, 4.4), dpi=150, layout="constrained")
        row = figure.subplots(1, 3)
    for axes, panel in zip(row, panels, strict=True):
        _panel(axes, panel)
    _names(row[-1], [each.name for each in probed], panels[-1].values)
    return saved(figure, out, "probe")


def _panel(axes: Axes, panel: Panel) -> None:
    axes.set_yscale("log")
    few = max(map(len, panel.values)) <= 30
    for number, values in enumerate(panel.values):
        points = [(place, value) for place, value in enumerate(values, 1) if _drawable(value)]
        if points:
            axes.plot(
                *zip(*points, strict=True),
                color=COLOURS[number % len(COLOURS)],
                lw=1.7,
                ls="-" if number < len(COLOURS) else "--",
                marker="o" if few else None,
                markersize=3.5,
            )
    axes.set_title(panel.title, loc="left", fontweight="bold")
    axes.set_xlabel(panel.across)
    drawn = [value for values in panel.values for value in values if _drawable(value)] or [1.0]
    _scale(axes, min(drawn), max(drawn))


def _scale(axes: Axes, low: float, high: float) -> None:
    """A decade at least; plain numbers where the powers of ten would be few."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    room = max(1.6, (10 * low / high) ** 0.5)
    axes.set_ylim(low / room, high * room)
    axes.yaxis.set_minor_formatter(NullFormatter())
    if low > 1e-4 and high < 1e5 and high / low < 100:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _names(axes: Axes, names: Sequence[str], values: Sequence[Sequence[float]]) -> None:
    """To the right of the last points, moved apart where they would touch; of what is not drawn, at the foot."""
    low, high = (log10(limit) for limit in axes.get_ylim())
    ends = []
    for number, (name, each) in enumerate(zip(names, values, strict=True)):
        seen = [value for value in each if _drawable(value)]
        place = (log10(seen[-1]) - low) / (high - low) if seen else 0.0
        note = "" if len(seen) == len(each) else " (elsewhere 0)" if seen else " (0 everywhere)"
        ends.append((place, f"{name}{note}", COLOURS[number % len(COLOURS)]))
    ends.sort()
    for height, (_, name, colour) in zip(apart([end[0] for end in ends], 0.055), ends, strict=True):
        axes.annotate(
            name,
            (1.0, height),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            fontsize=9,
            va="center",
            annotation_clip=False,
        )


def _drawable(value: float) -> bool:
    return isfinite(value) and value > 0


def _csv(path: Path, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([headings, *rows])
    write(path, text.getvalue().encode())
