"""The one page of a study in Markdown: what was done, what came out, with its spread; the pictures beside it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean

from resspec.backends.markdown import code, table
from resspec.study.results import Result, grouped
from resspec.training.data import Dataset
from resspec.training.recipe import Recipe
from resspec.version import __version__

RECORD = "Each run's own record is in `runs/`; the figures are in `results.csv` and `points.csv`."


def degradation(
    found: Sequence[Result], published: Mapping[tuple[str, int], float], setting: Iterable[str]
) -> str:
    lines = [
        "# Degradation: plain and residual networks by depth",
        "",
        *setting,
        "",
        *gap_lines(found),
        "",
        "![training and test error over iterations](iterations.svg)",
        "",
        "![test error over depth](depth.svg)",
        "",
        *_results(found, published),
        "",
        *_published(published),
        RECORD,
        "",
    ]
    return "\n".join(lines)


def shortcuts(found: Sequence[Result], setting: Iterable[str]) -> str:
    lines = [
        "# Shortcuts: options side by side at one depth",
        "",
        *setting,
        "",
        "![test error by option](options.svg)",
        "",
        "![training and test error over iterations](iterations.svg)",
        "",
        *_results(found, {}),
        "",
        RECORD,
        "",
    ]
    return "\n".join(lines)


def setting(
    recipe: Recipe,
    data: Dataset,
    recipe_name: str,
    found: Sequence[Result],
    missing: int,
    device: str,
) -> Iterator[str]:
    """What was done, on what."""
    import torch

    seeds = len({result.part.seed for result in found})
    yield (
        f"{len(data.train):,} training and {len(data.test):,} test images of {code(data.name)}, by the recipe "
        f"`{code(recipe_name)}` ({recipe.duration}, batches of {recipe.batch_size}); {_count(seeds, 'seed')}."
    )
    kind = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {platform.machine()}"
    yield f"Made by `resspec study` {__version__} with torch {torch.__version__} on one {kind}."
    if missing:
        yield f"\n**Not finished: {_count(missing, 'run')} still to be done; run the same command again to resume.**"


def gap_lines(found: Sequence[Result]) -> Iterator[str]:
    """Of each family how much worse its deepest network is than its shallowest, seed by seed."""
    gaps = gaps_by_family(found)
    for family, (low, high, each) in gaps.items():
        yield (
            f"- {family}: {high} layers have {mean(each):+.2f} points of test error against {low} layers"
            f" ({_spread(each)})."
        )
    if {"plain", "residual"} <= gaps.keys():
        plain, residual = gaps["plain"][2], gaps["residual"][2]
        apart, spread = mean(plain) - mean(residual), max(_width(plain), _width(residual))
        words = "more than" if apart > spread else "no more than"
        seeds = (
            f", {words} either spreads over the seeds ({spread:.2f})"
            if min(len(plain), len(residual)) > 1
            else ""
        )
        yield f"- The plain gap is {apart:+.2f} points larger than the residual one{seeds}."


def gaps_by_family(found: Sequence[Result]) -> dict[str, tuple[int, int, list[float]]]:
    """The least and the largest depth, and test error of the one less that of the other, for each seed that has both."""
    gaps = {}
    for family in dict.fromkeys(result.part.family for result in found):
        own = {(r.part.depth, r.part.seed): r.test for r in found if r.part.family == family}
        low, high = min(depth for depth, _ in own), max(depth for depth, _ in own)
        each = [
            own[high, seed] - own[low, seed]
            for depth, seed in own
            if depth == high and (low, seed) in own
        ]
        if low != high and each:
            gaps[family] = low, high, each
    return gaps


HEADINGS = (
    "family",
    "layers",
    "parameters",
    "multiply-adds",
    "training error, %",
    "test error, %",
    "ms a step",
)


def cells(found: Sequence[Result]) -> list[tuple[str, ...]]:
    """A line a network: means over the seeds, with the least and the largest."""
    return [
        (
            family,
            str(depth),
            f"{each[0].params:,}",
            f"{each[0].macs:,}",
            _with_spread([r.train for r in each]),
            _with_spread([r.test for r in each]),
            _milliseconds(each),
        )
        for (family, depth), each in grouped(found).items()
    ]


def _results(found: Sequence[Result], published: Mapping[tuple[str, int], float]) -> Iterator[str]:
    extra = ["published, %"] if published else []
    rows = [[*row, *([_known(published, row)] if published else [])] for row in cells(found)]
    yield from table([*HEADINGS, *extra], rows, figures=len(HEADINGS) - 1 + len(extra))


def _known(published: Mapping[tuple[str, int], float], row: Sequence[str]) -> str:
    value = published.get((row[0], int(row[1])))
    return "" if value is None else f"{value:.2f}"


def _published(published: Mapping[tuple[str, int], float]) -> Iterator[str]:
    if published:
        yield (
            "Published figures are of the very same networks and recipe. He et al. 2015 give those of residual networks in"
            " Table 6; of plain ones there are only the curves of Figure 6.\n"
        )


def _milliseconds(found: Sequence[Result]) -> str:
    known = [result.seconds for result in found if result.seconds is not None]
    return f"{1000 * mean(known):.0f}" if known else ""


def _with_spread(values: Sequence[float]) -> str:
    return f"{mean(values):.2f}" + (
        f" ({min(values):.2f} … {max(values):.2f})" if len(values) > 1 else ""
    )


def _spread(values: Sequence[float]) -> str:
    return (
        f"{_count(len(values), 'seed')}: {min(values):+.2f} … {max(values):+.2f}"
        if len(values) > 1
        else "one seed"
    )


def _width(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def write_page(text: str, out: Path) -> Path:
    from resspec.files import write

    write(out / "README.md", text.encode())
    return out / "README.md"
