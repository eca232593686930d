"""Runs side by side: their networks, data, seeds and results."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from resspec.backends.table import Column, longest, shown, table, taken, text
from resspec.diagnostics import UsageError
from resspec.training.output.curves import Curve, draw
from resspec.training.run import measurements, record
from resspec.units import duration

HEADINGS = (
    "run",
    "network",
    "hash",
    "data",
    "seed",
    "steps",
    "train loss",
    "part",
    "loss",
    "top-1 error",
    "top-5 error",
    "time",
)
MEASURED = ("train loss", "loss", "top-1 error", "top-5 error")
FIGURES = (*MEASURED, "seed", "steps", "time")


Say = Callable[[str, str | None], None]


class Run(NamedTuple):
    """A run's folder.

    Attributes:
        name: Its name in the table.
        facts: The content of `run.json`.
        rows: The measurements.
        test: The last row on the test images, or else on held-out ones.
        seconds: Of all its steps.
    """

    name: str
    facts: dict[str, Any]
    rows: list[dict[str, Any]]
    test: dict[str, Any] | None
    seconds: float | None


def load(folder: Path, name: str | None = None, say: Say = lambda *_: None) -> Run:
    """Read the folder of a run.

    Args:
        folder: The folder.
        name: Its name in the table.
        say: Called with a message and a code for each damaged file that is not essential.

    Raises:
        UsageError: There is no run, or it cannot be identified.
    """
    facts = record.existing(folder)
    metrics, timings = measurements.metrics(folder), measurements.timings(folder)
    for damage in (*metrics.damage, *timings.damage):
        say(damage, "E0603")
    tests = [row for row in metrics.rows if row["part"] in ("test", "held-out")]
    test = tests[-1] if tests else None
    try:
        ended = record.result(folder)
    except UsageError as error:
        say(str(error), error.code)
        ended = None
    if ended is not None:
        test = {**(test or {}), **ended, "part": "test"}
        for file, read in (("metrics.jsonl", metrics), ("timings.jsonl", timings)):
            if not read.rows and not read.damage:
                say(f"{folder / file} is damaged: it is empty, and the run has ended", "E0603")
    seconds = timings.rows[-1]["seconds"] if timings.rows else None
    return Run(name or folder.name, facts, metrics.rows, test, seconds)


def load_all(folders: Sequence[Path], say: Say) -> list[Run]:
    """Read runs, and name them by the shortest paths that differ.

    Args:
        folders: Runs, or folders of runs.
        say: Called with a message and a code for each damaged run or file.

    Raises:
        UsageError: None of them can be compared.
    """
    given = [run for folder in folders for run in _runs(folder)]
    resolved = list(dict.fromkeys(Path(os.path.realpath(run)) for run in given))
    for parts in range(1, 10):
        names = ["/".join(path.parts[-parts:]) for path in resolved]
        if len(set(names)) == len(resolved):
            break
    found, missing = [], []
    for folder, name in zip(resolved, names, strict=True):
        try:
            found.append(load(folder, name, say))
        except UsageError as error:
            missing.append(error)
    for each in missing if found else missing[:-1]:
        say(str(each), each.code)
    if not found:
        raise missing[-1]
    return found


def _runs(folder: Path) -> list[Path]:
    return [folder] if record.is_run(folder) else record.runs_in(folder) or [folder]


def to_table(runs: Sequence[Run], width: int, color: bool) -> str:
    """Return a table with a run a line; the best figure of each column is bold.

    Losses and errors are those of the test images, or else of the held-out ones.
    """
    lines = [_line(run) for run in runs]
    columns = [
        Column(heading, longest(heading, *cells), heading in FIGURES)
        for heading, *cells in zip(HEADINGS, *lines, strict=True)
    ]
    best: dict[int, str] = {}
    for i, heading in enumerate(HEADINGS):
        measured = [line[i] for line in lines if line[i]]
        if heading in MEASURED and len(measured) > 1:
            best[i] = min(measured, key=_number)

    made = table(columns)
    for line in lines:
        styles = ("bold" if cell and cell == best.get(i) else "" for i, cell in enumerate(line))
        made.add_row(*map(text, line, styles))
    return shown([made], max(width, taken(columns)), color)


def picture(runs: Sequence[Run], folder: Path) -> list[Path]:
    """Write compare.png and compare.svg.

    Raises:
        UsageError: They cannot be written, or nothing was measured yet.
    """
    return draw([Curve(run.name, run.rows) for run in runs], folder, "compare")


def _line(run: Run) -> tuple[str, ...]:
    trained = [row for row in run.rows if row["part"] == "train"]
    test = run.test or {}
    top1, top5 = test.get("top1"), test.get("top5")
    return (
        run.name,
        run.facts["network"],
        run.facts["hash"][:8],
        run.facts["data"]["name"],
        str(run.facts["seed"]),
        f"{max((row['step'] for row in run.rows), default=0):,}",
        f"{trained[-1]['loss']:.4f}" if trained else "",
        test.get("part", ""),
        f"{test['loss']:.4f}" if test else "",
        f"{1 - top1:.2%}" if top1 is not None else "",
        f"{1 - top5:.2%}" if top5 is not None else "",
        duration(run.seconds) if run.seconds is not None else "",
    )


def _number(cell: str) -> float:
    return float(cell.rstrip("%").replace(",", ""))
