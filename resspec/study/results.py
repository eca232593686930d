"""The results of a study as data: read from the run folders of its parts, and written as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

from resspec.backends.sheet import to_sheet
from resspec.diagnostics import UsageError
from resspec.files import write
from resspec.passes.quantities import Facts
from resspec.study.parts import StudyPart
from resspec.training.run import measurements, record

_RESULTS = "family layers seed training_error test_error params macs seconds_per_step".split()
_POINTS = "family layers seed step part loss error".split()


class StudyResult(NamedTuple):
    """A part that has ended. Errors are in percent.

    Attributes:
        rows: The rows of its `metrics.jsonl`.
        train: The training error over the last tenth of the steps, on the images as augmented.
        test: The test error in the end.
        seconds: The median duration of a step; None where it was not recorded.
    """

    part: StudyPart
    rows: list[dict[str, Any]]
    train: float
    test: float
    params: int
    macs: int
    seconds: float | None


def results(out: Path, parts: Iterable[StudyPart]) -> list[StudyResult]:
    """Return the results of the parts that have ended. Raises UsageError where one is damaged."""
    ended = [part for part in parts if (out / part.folder / "result.json").is_file()]
    return [_result(out / part.folder, part) for part in ended]


def error_of(top1: float) -> float:
    """Return the error in percent."""
    return 100 * (1 - top1)


def grouped(found: Sequence[StudyResult]) -> dict[tuple[str, int], list[StudyResult]]:
    """Return the seeds of each network, by family and depth, in the order of the parts."""
    groups: dict[tuple[str, int], list[StudyResult]] = {}
    for result in found:
        groups.setdefault((result.part.family, result.part.depth), []).append(result)
    return groups


def write_csv(found: Sequence[StudyResult], out: Path) -> None:
    """Write `results.csv`, a line for each run, and `points.csv`, all that was measured."""
    ends, points = [], []
    for part, rows, train, test, params, macs, seconds in found:
        own = part.family, part.depth, part.seed
        time = "" if seconds is None else f"{seconds:.4f}"
        ends.append((*own, f"{train:.2f}", f"{test:.2f}", params, macs, time))
        for row in rows:
            error = f"{error_of(row['top1']):.3f}"
            points.append((*own, row["step"], row["part"], row["loss"], error))
    write(out / "results.csv", to_sheet(_RESULTS, ends).encode())
    write(out / "points.csv", to_sheet(_POINTS, points).encode())


def _result(run: Path, part: StudyPart) -> StudyResult:
    facts, ended = Facts(part.network), record.result(run)
    assert ended is not None
    rows, _ = measurements.metrics(run)
    trained = [row for row in rows if row["part"] == "train"]
    if not trained:
        damage = f"{run / 'metrics.jsonl'} is damaged: no row of training can be read"
        help = f"remove {run / 'result.json'}, and run the same command again to recreate both"
        raise UsageError(f"{damage}; {help}", "E0603")
    last = rows[-1]
    if not any(row["part"] == "test" and row["step"] == last["step"] for row in rows):
        rows.append({**last, "part": "test", "loss": ended["loss"], "top1": ended["top1"]})
    late = [row["top1"] for row in trained if row["step"] > 0.9 * trained[-1]["step"]]
    train, test = error_of(mean(late)), error_of(ended["top1"])
    return StudyResult(
        part, rows, train, test, facts.total("params"), facts.total("macs"), _seconds(run)
    )


def _seconds(run: Path) -> float | None:
    """Return the median duration of a step; where a run was resumed, time starts at 0 again."""
    times, _ = measurements.timings(run)
    steps = [
        (after["seconds"] - before["seconds"]) / (after["step"] - before["step"])
        for before, after in pairwise(times)
        if after["step"] > before["step"] and after["seconds"] > before["seconds"]
    ]
    return median(steps) if steps else None
