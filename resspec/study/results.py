"""What the parts of a study came to, as data: read from their run folders, and written as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

from resspec.diagnostics import UsageError
from resspec.files import write
from resspec.passes.quantities import Facts
from resspec.study.parts import Part
from resspec.training.run import measurements, record


class Result(NamedTuple):
    """A part that has ended. Errors in percent, `train` over the last tenth of the way, as the images were shown; `seconds` of
    a step, the median, None where nothing told it."""

    part: Part
    rows: list[dict[str, Any]]
    train: float
    test: float
    params: int
    macs: int
    seconds: float | None


def results(out: Path, parts: Iterable[Part]) -> list[Result]:
    """Of the parts that have ended."""
    return [
        _result(out / part.folder, part)
        for part in parts
        if (out / part.folder / "result.json").is_file()
    ]


def _result(run: Path, part: Part) -> Result:
    facts, ended = Facts(part.network), record.result(run)
    assert ended is not None
    rows, _ = measurements.metrics(run)
    trained = [row for row in rows if row["part"] == "train"]
    if not trained:
        told = f"{run / 'metrics.jsonl'} is damaged: no row of training can be read"
        raise UsageError(
            f"{told}; remove {run / 'result.json'}, and run the same command again to recreate both",
            "E0603",
        )
    if not any(
        row["part"] == "test" and row["step"] == rows[-1]["step"] for row in rows
    ):  # tested only when all was over
        rows.append({**rows[-1], "part": "test", "loss": ended["loss"], "top1": ended["top1"]})
    last = [row["top1"] for row in trained if row["step"] > 0.9 * trained[-1]["step"]]
    return Result(
        part,
        rows,
        100 * (1 - mean(last)),
        100 * (1 - ended["top1"]),
        facts.total("params"),
        facts.total("macs"),
        _seconds(run),
    )


def _seconds(run: Path) -> float | None:
    """Of a step, from the times of neighbouring rows; a sitting begins at 0 again."""
    times, _ = measurements.timings(run)
    steps = [
        (after["seconds"] - before["seconds"]) / (after["step"] - before["step"])
        for before, after in pairwise(times)
        if after["step"] > before["step"] and after["seconds"] > before["seconds"]
    ]
    return median(steps) if steps else None


def grouped(found: Sequence[Result]) -> dict[tuple[str, int], list[Result]]:
    """The seeds of each network, in the order of the parts."""
    groups: dict[tuple[str, int], list[Result]] = {}
    for result in found:
        groups.setdefault((result.part.family, result.part.depth), []).append(result)
    return groups


def write_csv(found: Sequence[Result], out: Path) -> None:
    """results.csv, a line a run; points.csv, all that was measured on the way."""
    ends = [
        [
            r.part.family,
            r.part.depth,
            r.part.seed,
            f"{r.train:.2f}",
            f"{r.test:.2f}",
            r.params,
            r.macs,
            "" if r.seconds is None else f"{r.seconds:.4f}",
        ]
        for r in found
    ]
    _write(
        out / "results.csv",
        [
            "family",
            "layers",
            "seed",
            "training_error",
            "test_error",
            "params",
            "macs",
            "seconds_per_step",
        ],
        ends,
    )
    points = [
        [
            r.part.family,
            r.part.depth,
            r.part.seed,
            row["step"],
            row["part"],
            row["loss"],
            f"{100 * (1 - row['top1']):.3f}",
        ]
        for r in found
        for row in r.rows
    ]
    _write(
        out / "points.csv", ["family", "layers", "seed", "step", "part", "loss", "error"], points
    )


def _write(path: Path, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([headings, *rows])
    write(path, text.getvalue().encode())
