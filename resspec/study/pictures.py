"""The pictures of a study: error over iterations as in Figures 1 and 6, error over depth, and one option beside another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from resspec.study.results import Result, grouped
from resspec.training.output.curves import COLOURS, STYLE, apart, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "#404040"
LABEL: Any = {"fontsize": 9, "va": "center", "annotation_clip": False}
Groups = Mapping[tuple[str, int], Sequence[Result]]


def over_iterations(
    found: Sequence[Result], out: Path, *, panels: bool, name: str = "iterations"
) -> list[Path]:
    """A panel for each family, or all in one: test error bold, training error thin and dashed; several seeds as their mean, in
    the band of the least and the largest."""
    groups = grouped(found)
    families = list(dict.fromkeys(family for family, _ in groups)) if panels else [""]
    figure, row = _figure(5.1 * len(families) + (1.5 if not panels else 0), 4.4, len(families))
    top = _ceiling(found)
    depths = sorted({depth for _, depth in groups})
    for axes, family in zip(row, families, strict=True):
        ends = []
        for number, ((owner, depth), results) in enumerate(groups.items()):
            if family in ("", owner):
                colour = COLOURS[(depths.index(depth) if panels else number) % len(COLOURS)]
                _curves(axes, results, "train", colour)
                end = _curves(axes, results, "test", colour)
                ends.append((*end, f"{depth} layers" if panels else owner, colour))
        axes.set_ylim(0, top)
        _name_ends(axes, ends, top)
        axes.set_title(family, loc="left", fontweight="bold")
        axes.set_xlabel("iterations")
        axes.set_xlim(0, max(result.rows[-1]["step"] for result in found))
    row[0].set_ylabel("error, %")
    row[0].tick_params(labelleft=True)
    _key(row[0])
    return saved(figure, out, name)


def over_depth(
    found: Sequence[Result], published: Mapping[tuple[str, int], float], out: Path
) -> list[Path]:
    """The test error in the end: a dot a seed, lines through their means; published figures hollow and dotted."""
    groups = grouped(found)
    figure, (axes,) = _figure(6.4, 4.4)
    ends = []
    for number, family in enumerate(dict.fromkeys(family for family, _ in groups)):
        colour = COLOURS[number % len(COLOURS)]
        own = sorted(
            (depth, results) for (owner, depth), results in groups.items() if owner == family
        )
        for depth, results in own:
            axes.plot(
                [depth] * len(results),
                [r.test for r in results],
                "o",
                color=colour,
                alpha=0.45,
                markersize=5,
                mew=0,
            )
        axes.plot(
            [depth for depth, _ in own],
            [mean(r.test for r in results) for _, results in own],
            color=colour,
            lw=2,
        )
        ends.append((own[-1][0], mean(r.test for r in own[-1][1]), family, colour))
        known = [
            (depth, published[family, depth]) for depth, _ in own if (family, depth) in published
        ]
        if known:
            axes.plot(
                *zip(*known, strict=True),
                ":",
                color=colour,
                marker="D",
                mfc="white",
                markersize=6,
                lw=1.2,
            )
            ends.append((*known[-1], f"{family}, published", colour))
    top = 1.15 * max([r.test for r in found] + list(published.values()))
    axes.set_ylim(0, top)
    _name_ends(axes, ends, top)
    axes.set_xticks(sorted({depth for _, depth in groups}))
    axes.set_xlabel("layers")
    axes.set_ylabel("test error, %")
    return saved(figure, out, "depth")


def options(found: Sequence[Result], out: Path) -> list[Path]:
    """Test error of each family: a dot a seed, a stroke for the mean; its parameters beside its name."""
    groups = grouped(found)
    figure, (axes,) = _figure(6.4, 1.1 + 0.55 * len(groups))
    for place, results in enumerate(groups.values()):
        colour, errors = COLOURS[place % len(COLOURS)], [r.test for r in results]
        axes.plot(errors, [place] * len(errors), "o", color=colour, alpha=0.5, markersize=8, mew=0)
        axes.plot([mean(errors)] * 2, [place - 0.25, place + 0.25], color=colour, lw=3)
        words = f"mean {mean(errors):.1f} %" if len(errors) > 1 else f"{errors[0]:.1f} %"
        axes.annotate(
            words,
            (max(errors), place),
            xytext=(9, 0),
            textcoords="offset points",
            color=colour,
            **LABEL,
        )
    axes.set_yticks(
        range(len(groups)),
        [f"{family}\n{each[0].params:,} parameters" for (family, _), each in groups.items()],
    )
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(0, 1.2 * max(r.test for r in found))
    axes.set_xlabel("test error, %")
    axes.grid(visible=False, axis="y")
    return saved(figure, out, "options")


def _figure(width: float, height: float, panels: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """Panels of one scale, side by side."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        return figure, list(figure.subplots(1, panels, sharey=True, squeeze=False)[0])


def _curves(axes: Axes, results: Sequence[Result], part: str, colour: str) -> tuple[float, float]:
    """The last point of the mean over the seeds."""
    by_step: dict[int, list[float]] = {}
    for result in results:
        for row in result.rows:
            if row["part"] == part:
                by_step.setdefault(row["step"], []).append(100 * (1 - row["top1"]))
    steps = [step for step, errors in sorted(by_step.items()) if len(errors) == len(results)]
    means = [mean(by_step[step]) for step in steps]
    if len(results) > 1:
        low, high = ([bound(by_step[step]) for step in steps] for bound in (min, max))
        axes.fill_between(steps, low, high, color=colour, alpha=0.12, lw=0)
    thin = part == "train"
    axes.plot(
        steps,
        means,
        color=colour,
        lw=1 if thin else 2.2,
        ls="--" if thin else "-",
        marker=None if len(steps) > 1 else "o",
        clip_on=len(steps) > 1,
    )
    return (steps[-1], means[-1]) if steps else (0.0, 0.0)


def _ceiling(found: Sequence[Result]) -> float:
    """Above what is seen after the first eighth of the way, where every network errs alike."""
    late = [
        100 * (1 - row["top1"])
        for r in found
        for row in r.rows
        if row["step"] > r.rows[-1]["step"] / 8
    ]
    return float(min(100.0, 1.05 * max(late)))


def _name_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]], top: float) -> None:
    """Names to the right of the last points, moved apart where they would touch."""
    ends = sorted(ends, key=lambda end: end[1])
    for height, (_, _, name, colour) in zip(
        apart([end[1] for end in ends], top * 0.05), ends, strict=True
    ):
        axes.annotate(
            name,
            (1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            **LABEL,
        )


def _key(axes: Axes) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=GREY, lw=2.2, label="test"),
        Line2D([], [], color=GREY, lw=1, ls="--", label="training"),
    ]
    axes.legend(handles=lines, frameon=False, fontsize=9)
