"""The pictures of a study: error over iterations, as in Figures 1 and 6 of He et al. 2015, error
over depth, and shortcut options beside each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, NamedTuple

from resspec.study.results import StudyResult, error_of, grouped
from resspec.training.output.curves import COLOURS, STYLE, apart, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GRAY = "#404040"
_OFFSET: Any = {"textcoords": "offset points", "fontsize": 9, "va": "center"}


class LineEnd(NamedTuple):
    """The last point of a line, with the name that is written beside it."""

    height: float
    name: str
    color: str


def over_iterations(
    found: Sequence[StudyResult], out: Path, *, panels: bool, name: str = "iterations"
) -> list[Path]:
    """Draw training and test error by iteration, and return the files.

    The test error is bold, the training error thin and dashed; several seeds are drawn as their
    mean, in a band from the least to the largest.

    Args:
        found: The results.
        out: The folder of the study.
        panels: Whether each family has a panel of its own.
        name: The name of the files.
    """
    groups = grouped(found)
    families = list(dict.fromkeys(family for family, _ in groups)) if panels else [""]
    width = 5.1 * len(families) if panels else 6.6
    figure, row = figure_of(width, 4.4, len(families))
    top = _ceiling(found)
    depths = sorted({depth for _, depth in groups})
    for axes, family in zip(row, families, strict=True):
        ends = []
        for number, ((owner, depth), results) in enumerate(groups.items()):
            if family in ("", owner):
                color = color_of(depths.index(depth) if panels else number)
                _curve(axes, results, "train", color)
                end = _curve(axes, results, "test", color)
                ends.append(LineEnd(end, f"{depth} layers" if panels else owner, color))
        axes.set_ylim(0, top)
        name_ends(axes, ends, top * 0.05, "data")
        axes.set_title(family, loc="left", fontweight="bold")
        axes.set_xlabel("iterations")
        axes.set_xlim(0, max(result.rows[-1]["step"] for result in found))
    row[0].set_ylabel("error, %")
    row[0].tick_params(labelleft=True)
    _key(row[0])
    return saved(figure, out, name)


def over_depth(
    found: Sequence[StudyResult], published: Mapping[tuple[str, int], float], out: Path
) -> list[Path]:
    """Draw the final test error by depth, and return the files.

    Each seed is a dot, and lines lead through their means; published figures are hollow.
    """
    groups = grouped(found)
    figure, (axes,) = figure_of(6.4, 4.4)
    ends = []
    for number, family in enumerate(dict.fromkeys(family for family, _ in groups)):
        color = color_of(number)
        depths = sorted(depth for owner, depth in groups if owner == family)
        tests = [[result.test for result in groups[family, depth]] for depth in depths]
        for depth, errors in zip(depths, tests, strict=True):
            places = [depth] * len(errors)
            axes.plot(places, errors, "o", color=color, alpha=0.45, markersize=5, mew=0)
        means = list(map(mean, tests))
        axes.plot(depths, means, color=color, lw=2)
        ends.append(LineEnd(means[-1], family, color))

        known = [depth for depth in depths if (family, depth) in published]
        if known:
            errors = [published[family, depth] for depth in known]
            style: Any = {"marker": "D", "mfc": "white", "markersize": 6, "lw": 1.2}
            axes.plot(known, errors, ":", color=color, **style)
            ends.append(LineEnd(errors[-1], f"{family}, published", color))
    top = 1.15 * max([result.test for result in found] + list(published.values()))
    axes.set_ylim(0, top)
    name_ends(axes, ends, top * 0.05, "data")
    axes.set_xticks(sorted({depth for _, depth in groups}))
    axes.set_xlabel("layers")
    axes.set_ylabel("test error, %")
    return saved(figure, out, "depth")


def options(found: Sequence[StudyResult], out: Path) -> list[Path]:
    """Draw the test error of each family, and return the files.

    Each seed is a dot, their mean a stroke; the parameters stand below the name.
    """
    groups = grouped(found)
    figure, (axes,) = figure_of(6.4, 1.1 + 0.55 * len(groups))
    names = []
    for place, ((family, _), results) in enumerate(groups.items()):
        color, errors = color_of(place), [result.test for result in results]
        axes.plot(errors, [place] * len(errors), "o", color=color, alpha=0.5, markersize=8, mew=0)
        axes.plot([mean(errors)] * 2, [place - 0.25, place + 0.25], color=color, lw=3)
        words = f"mean {mean(errors):.1f} %" if len(errors) > 1 else f"{errors[0]:.1f} %"
        end = max(errors), place
        axes.annotate(words, end, xytext=(9, 0), color=color, annotation_clip=False, **_OFFSET)
        names.append(f"{family}\n{results[0].params:,} parameters")
    axes.set_yticks(range(len(groups)), names)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(0, 1.2 * max(result.test for result in found))
    axes.set_xlabel("test error, %")
    axes.grid(visible=False, axis="y")
    return saved(figure, out, "options")


def figure_of(
    width: float, height: float, panels: int = 1, *, sharey: bool = True
) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure with panels side by side."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        return figure, list(figure.subplots(1, panels, sharey=sharey, squeeze=False)[0])


def color_of(number: int) -> str:
    """Return the color of a line."""
    return COLOURS[number % len(COLOURS)]


def name_ends(axes: Axes, ends: Sequence[LineEnd], room: float, heights: str) -> None:
    """Write names to the right of the last points, moved apart where they would touch.

    Args:
        axes: The panel.
        ends: The points.
        room: The least distance of two names.
        heights: The coordinates of the heights, `data` or `axes fraction`.
    """
    ends = sorted(ends, key=lambda end: end.height)
    places = apart([end.height for end in ends], room)
    style: Any = {"xytext": (6, 0), "annotation_clip": False, **_OFFSET}
    for height, end in zip(places, ends, strict=True):
        coordinates = ("axes fraction", heights)
        axes.annotate(end.name, (1.0, height), xycoords=coordinates, color=end.color, **style)


def _curve(axes: Axes, results: Sequence[StudyResult], part: str, color: str) -> float:
    """Draw the mean over the seeds, and return its last value."""
    by_step = defaultdict[int, list[float]](list)
    for result in results:
        for row in result.rows:
            if row["part"] == part:
                by_step[row["step"]].append(error_of(row["top1"]))
    steps = [step for step, errors in sorted(by_step.items()) if len(errors) == len(results)]
    errors = [by_step[step] for step in steps]
    means = list(map(mean, errors))
    if len(results) > 1:
        low, high = list(map(min, errors)), list(map(max, errors))
        axes.fill_between(steps, low, high, color=color, alpha=0.12, lw=0)
    is_line = len(steps) > 1
    style: Any = {"lw": 1, "ls": "--"} if part == "train" else {"lw": 2.2, "ls": "-"}
    marker = None if is_line else "o"
    axes.plot(steps, means, color=color, marker=marker, clip_on=is_line, **style)
    return means[-1] if means else 0.0


def _ceiling(found: Sequence[StudyResult]) -> float:
    """Return a limit above all errors after the first eighth, where every network errs as much."""
    late = [
        error_of(row["top1"])
        for result in found
        for row in result.rows
        if row["step"] > result.rows[-1]["step"] / 8
    ]
    return float(min(100.0, 1.05 * max(late)))


def _key(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=_GRAY, lw=2.2, label="test"),
        Line2D([], [], color=_GRAY, lw=1, ls="--", label="training"),
    ]
    axes.legend(handles=lines, frameon=False, fontsize=9)
