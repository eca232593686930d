"""Pictures of runs as PNG and SVG: loss and error by epoch, and the confusion matrix."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from resspec.diagnostics import UsageError
from resspec.files import write
from resspec.render import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

Rows = Sequence[Mapping[str, Any]]

# Okabe and Ito 2008: told apart by every kind of eye, in print too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C8C")
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8C8C8C",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.color": "#404040",
    "ytick.color": "#404040",
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "svg.fonttype": "none",
    "svg.hashsalt": "resspec",  # text stays text, and the same picture has the same bytes
}
LONGEST_NAME = 40  # characters
PICTURES = ("curves.png", "curves.svg")
SHAPES = {"train": "train", "held-out": "held out", "test": "test"}


class Curve(NamedTuple):
    """The metrics of a run, under its name in the picture."""

    name: str
    rows: Rows


def draw(curves: Sequence[Curve], folder: Path, name: str = "curves") -> list[Path]:
    """Draw loss and error by epoch as NAME.png and NAME.svg.

    Each run has one color, thin for training and strong for tests.

    Raises:
        UsageError: Nothing was measured yet.
    """
    from matplotlib.ticker import MaxNLocator

    curves = [curve for curve in curves if curve.rows]
    if not curves:
        raise UsageError("nothing was measured yet")
    figure, (left, right) = _panels()
    for axes, value, factor in ((left, "loss", 1.0), (right, "top1", 100.0)):
        ends = [
            end
            for number, curve in enumerate(curves)
            if (end := _curve(axes, curve, value, factor, COLOURS[number % 8]))
        ]
        if len(curves) > 1 and axes is right:
            axes.set_ylim(bottom=0)
            _labels(axes, ends)
    right.set_ylim(bottom=0)
    last = max(row["epoch"] for curve in curves for row in curve.rows)
    for axes, title in ((left, "loss"), (right, "top-1 error, %")):
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_xlabel("epoch")
        axes.set_xlim(0, 1.01 * last)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=last >= 4))
    _key(left, {row["part"] for curve in curves for row in curve.rows}, alone=len(curves) == 1)
    if len(curves) == 1:
        figure.suptitle(
            as_drawn(curves[0].name), x=0.008, ha="left", fontsize=12, fontweight="bold"
        )
    return saved(figure, folder, name)


def draw_confusion(counts: Tensor, classes: Sequence[str], folder: Path) -> list[Path]:
    """Write confusion.csv, .png and .svg: rows are the true classes, columns the predicted ones."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerows(
        [
            ["", *classes],
            *([name, *row] for name, row in zip(classes, counts.tolist(), strict=True)),
        ]
    )
    write(folder / "confusion.csv", text.getvalue().encode())
    return [folder / "confusion.csv", *saved(_matrix(counts, classes), folder, "confusion")]


def _panels() -> tuple[Figure, tuple[Axes, Axes]]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 4), dpi=150, layout="constrained")
        left, right = figure.subplots(1, 2)
    return figure, (left, right)


class _End(NamedTuple):
    x: float
    y: float
    name: str
    colour: str


def _curve(axes: Axes, curve: Curve, value: str, factor: float, colour: str) -> _End | None:
    """Draw the curves of a run; return the last point, of a test if there was one."""
    end = None
    for part in SHAPES:
        points = [
            (row["epoch"], _point(row[value], value) * factor)
            for row in curve.rows
            if row["part"] == part and row[value] is not None and isfinite(row[value])
        ]
        if not points:
            continue
        x, y = zip(*points, strict=True)
        few = part != "train" and len(points) <= 30
        axes.plot(x, y, color=colour, marker="o" if few else None, markersize=4, **_look(part))
        end = _End(x[-1], y[-1], curve.name, colour)
    return end


def _look(part: str) -> dict[str, Any]:
    match part:
        case "train":
            return {"linewidth": 1, "alpha": 0.55}
        case "held-out":
            return {"linewidth": 2, "linestyle": "--"}
        case _:
            return {"linewidth": 2}


def _point(measured: float, value: str) -> float:
    return 1 - measured if value == "top1" else measured


def _labels(axes: Axes, ends: Sequence[_End]) -> None:
    """Write names at the ends of their curves, moved apart where they would touch."""
    if not ends:
        return
    gap = axes.get_ylim()[1] * 0.055
    ends = sorted(ends, key=lambda end: end.y)
    for place, end in zip(apart([end.y for end in ends], gap), ends, strict=True):
        axes.annotate(
            as_drawn(end.name),
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=end.colour,
            fontsize=9,
            annotation_clip=False,
        )


def apart(heights: list[float], gap: float) -> list[float]:
    """Return increasing heights at least `gap` apart, moved as little as possible.

    Those that would touch are spread around their mean.
    """
    groups: list[list[float]] = []  # each of [sum of heights, how many]
    for height in heights:
        groups.append([height, 1])
        while len(groups) > 1:
            (below, few), (above, more) = groups[-2:]
            if above / more - below / few >= gap * (few + more) / 2:
                break
            groups[-2:] = [[below + above, few + more]]
    return [
        total / count + gap * (i - (count - 1) / 2)
        for total, count in groups
        for i in range(int(count))
    ]


def _key(axes: Axes, parts: Iterable[str], *, alone: bool) -> None:
    from matplotlib.lines import Line2D

    colour = COLOURS[0] if alone else "#404040"
    parts = set(parts)
    lines = [
        Line2D([], [], color=colour, label=SHAPES[part], **_look(part))
        for part in SHAPES
        if part in parts
    ]
    axes.legend(handles=lines, frameon=False, fontsize=9)


def _matrix(counts: Tensor, classes: Sequence[str]) -> Figure:
    """Draw the share of each row, with numbers if there is room."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = [as_drawn(name) for name in classes]
    shares = (counts / counts.sum(1, keepdim=True).clamp_min(1)).numpy()
    few = len(classes) <= 30
    side = 2 + 0.45 * len(classes) if few else 8
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(side, side), dpi=150, layout="constrained")
        axes = figure.subplots()
        # By the root: what is rare is what one looks for.
        axes.imshow(shares**0.5, cmap="Blues", vmin=0, vmax=1.1, interpolation="nearest")
        axes.set_title(f"{int(counts.diagonal().sum()):,} of {int(counts.sum()):,} correct")
        axes.set_ylabel("true class")
        axes.set_xlabel("predicted class")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        if few:
            axes.set_xticks(
                range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor"
            )
            axes.set_yticks(range(len(names)), names)
            for row, line in enumerate(counts.tolist()):
                for column, count in enumerate(line):
                    if count:
                        shade = "white" if shares[row, column] > 0.35 else "#202020"
                        axes.text(
                            column,
                            row,
                            f"{count}",
                            ha="center",
                            va="center",
                            fontsize=8,
                            color=shade,
                        )
    return figure


def as_drawn(name: str) -> str:
    """Return a user's name for matplotlib: in one line, not too long, and without formulas."""
    shown = visible(name)
    short = shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"
    return short.replace("$", r"\$")


def saved(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Save a figure as NAME.png and NAME.svg in a folder."""
    import matplotlib as mpl

    paths = []
    for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        content = io.BytesIO()
        with mpl.rc_context(STYLE), warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Glyph"
            )  # a font lacks a character, which is drawn as a box
            figure.savefig(content, format=ending, metadata=metadata)
        write(folder / f"{name}.{ending}", content.getvalue())
        paths.append(folder / f"{name}.{ending}")
    return paths
