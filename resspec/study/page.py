"""The page of a study in Markdown: its setting, its results with their spread, its pictures."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean

from resspec.backends.markdown import code, table
from resspec.files import write
from resspec.study.results import StudyResult, grouped
from resspec.training.data import Dataset
from resspec.training.recipe import Recipe
from resspec.version import __version__

HEADINGS = (
    "family",
    "layers",
    "parameters",
    "multiply-adds",
    "training error, %",
    "test error, %",
    "ms a step",
)
_DEGRADATION = """\
# Degradation: plain and residual networks by depth

{setting}

{gaps}
![training and test error over iterations](iterations.svg)

![test error over depth](depth.svg)

{results}

{note}Each run's own record is in `runs/`; the figures are in `results.csv` and `points.csv`.
"""
_SHORTCUTS = """\
# Shortcuts: options side by side at one depth

{setting}

![test error by option](options.svg)

![training and test error over iterations](iterations.svg)

{results}

Each run's own record is in `runs/`; the figures are in `results.csv` and `points.csv`.
"""
_NOTE = (
    "Published figures are of the very same networks and recipe. "
    "He et al. 2015 give those of residual networks in Table 6; "
    "of plain ones there are only the curves of Figure 6.\n\n"
)


def degradation(
    found: Sequence[StudyResult], published: Mapping[tuple[str, int], float], setting: Iterable[str]
) -> str:
    """Return the page of networks by depth."""
    return _DEGRADATION.format(
        setting="\n".join(setting),
        gaps="".join(f"{line}\n" for line in gap_lines(found)),
        results="\n".join(_results(found, published)),
        note=_NOTE if published else "",
    )


def shortcuts(found: Sequence[StudyResult], setting: Iterable[str]) -> str:
    """Return the page of shortcut options."""
    results = "\n".join(_results(found, {}))
    return _SHORTCUTS.format(setting="\n".join(setting), results=results)


def setting(
    recipe: Recipe,
    data: Dataset,
    recipe_name: str,
    found: Sequence[StudyResult],
    missing: int,
    device: str,
) -> Iterator[str]:
    """Yield the data, the recipe and the machine of a study in sentences."""
    import torch

    images = f"{len(data.train):,} training and {len(data.test):,} test images"
    seeds = _count(len({result.part.seed for result in found}), "seed")
    yield (
        f"{images} of {code(data.name)}, by the recipe `{code(recipe_name)}` "
        f"({recipe.duration}, batches of {recipe.batch_size}); {seeds}."
    )
    kind = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {platform.machine()}"
    yield f"Made by `resspec study` {__version__} with torch {torch.__version__} on one {kind}."
    if missing:
        left = f"{_count(missing, 'run')} still to be done"
        yield f"\n**Not finished: {left}; run the same command again to resume.**"


def gap_lines(found: Sequence[StudyResult]) -> Iterator[str]:
    """Yield how much worse the deepest network of each family is than its shallowest."""
    gaps = gaps_by_family(found)
    for family, (low, high, each) in gaps.items():
        gap = f"{high} layers have {mean(each):+.2f} points of test error against {low} layers"
        yield f"- {family}: {gap} ({_spread(each)})."
    if {"plain", "residual"} <= gaps.keys():
        plain, residual = gaps["plain"][2], gaps["residual"][2]
        difference = mean(plain) - mean(residual)
        spread = max(max(each) - min(each) for each in (plain, residual))
        than = ""
        if min(len(plain), len(residual)) > 1:
            more = "more than" if difference > spread else "no more than"
            than = f", {more} either spreads over the seeds ({spread:.2f})"
        yield f"- The plain gap is {difference:+.2f} points larger than the residual one{than}."


def gaps_by_family(found: Sequence[StudyResult]) -> dict[str, tuple[int, int, list[float]]]:
    """Return the least and the largest depth of each family, and the gaps between them.

    A gap is the test error of the deepest network less that of the shallowest; each seed that has
    both has one.
    """
    gaps = {}
    for family in dict.fromkeys(result.part.family for result in found):
        own = {(r.part.depth, r.part.seed): r.test for r in found if r.part.family == family}
        (low, _), (high, _) = min(own), max(own)
        each = [
            error - own[low, seed]
            for (depth, seed), error in own.items()
            if depth == high and (low, seed) in own
        ]
        if low != high and each:
            gaps[family] = low, high, each
    return gaps


def cells(found: Sequence[StudyResult]) -> list[tuple[str, ...]]:
    """Return a line of HEADINGS for each network: means over the seeds, with their range."""
    rows: list[tuple[str, ...]] = []
    for (family, depth), each in grouped(found).items():
        params, macs = f"{each[0].params:,}", f"{each[0].macs:,}"
        train = _with_range([result.train for result in each])
        test = _with_range([result.test for result in each])
        seconds = [result.seconds for result in each if result.seconds is not None]
        time = f"{1000 * mean(seconds):.0f}" if seconds else ""
        rows.append((family, str(depth), params, macs, train, test, time))
    return rows


def write_page(text: str, out: Path) -> Path:
    """Write a page into the folder of a study, and return its path."""
    write(out / "README.md", text.encode())
    return out / "README.md"


def _results(
    found: Sequence[StudyResult], published: Mapping[tuple[str, int], float]
) -> Iterator[str]:
    headings: tuple[str, ...] = HEADINGS
    rows = cells(found)
    if published:
        headings = (*headings, "published, %")
        errors = [published.get((row[0], int(row[1]))) for row in rows]
        texts = ["" if error is None else f"{error:.2f}" for error in errors]
        rows = [(*row, text) for row, text in zip(rows, texts, strict=True)]
    return table(headings, rows, figures=len(headings) - 1)


def _with_range(values: Sequence[float]) -> str:
    range_ = f" ({min(values):.2f} … {max(values):.2f})" if len(values) > 1 else ""
    return f"{mean(values):.2f}{range_}"


def _spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return "one seed"
    return f"{_count(len(values), 'seed')}: {min(values):+.2f} … {max(values):+.2f}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"
