"""The measurements of a run: files with a row a line, of which a damaged line can be left out."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from resspec import files
from resspec.diagnostics import UsageError
from resspec.training.run import sealed
from resspec.training.run.sealed import DamagedFile
from resspec.training.steps.state import Row, lines

COLUMNS = ("step", "epoch", "part", "lr", "loss", "top1", "top5")
PARTS = ("train", "held-out", "test")
MAX_NAMED = 3  # damaged lines of a file that are named one by one


class Measurements(NamedTuple):
    """The rows of a file, and a sentence for each damage to it."""

    rows: list[Row]
    damage: list[str]


def rewrite(folder: Path, rows: list[Row]) -> None:
    """Write the metrics as of a checkpoint, and cut off a timing that a crash left half-written.

    Raises:
        UsageError: A file cannot be written.
    """
    files.write(folder / "metrics.jsonl", lines(rows))
    header = ",".join(COLUMNS) + "\n"
    files.write(folder / "metrics.csv", header.encode() + _csv(rows))

    timings = folder / "timings.jsonl"
    if not os.path.lexists(timings):
        return
    try:
        content = files.whole(timings)
    except UsageError as error:
        advice = "remove it, and run the same command again to resume"
        raise UsageError(f"{error}; {advice}", "E0603") from None
    if not content.endswith(b"\n"):
        files.write(timings, content[: content.rfind(b"\n") + 1])


def append(folder: Path, row: Row, timing: Mapping[str, Any]) -> None:
    """Append a row, and when it was measured; raise a UsageError where there is no room."""
    added = {
        "metrics.jsonl": lines([row]),
        "timings.jsonl": lines([dict(timing)]),
        "metrics.csv": _csv([row]),
    }
    for name, content in added.items():
        try:
            with (folder / name).open("ab") as file:
                file.write(content)
        except OSError as error:
            problem = f"cannot write {folder / name}: {error.strerror}"
            needed = f"it needs {len(content)} more bytes"
            raise UsageError(f"{problem}; {needed}", "E0607") from None


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def metrics(run: Path) -> Measurements:
    """Return the rows of `metrics.jsonl`; none where the file cannot be read."""
    return _read(run / "metrics.jsonl", _check_metrics)


def timings(run: Path) -> Measurements:
    """Return the time and speed of each row, from `timings.jsonl`."""
    return _read(run / "timings.jsonl", _check_timing)


def _read(path: Path, check: Callable[[Row], None]) -> Measurements:
    try:
        content = files.whole(path)
    except UsageError as error:
        return Measurements([], [str(error)])
    rows: list[Row] = []
    damage: list[str] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line:
            continue
        try:
            row = sealed.parse(line)
            if not isinstance(row, dict):
                raise DamagedFile("it is not a JSON object")
            check(row)
            rows.append(row)
        except DamagedFile as why:
            damage.append(f"{path}, line {number:,}, is damaged and left out: {why}")
    return Measurements(rows, list(_shortened(damage, path)))


def _shortened(damage: list[str], path: Path) -> Iterator[str]:
    yield from damage[:MAX_NAMED]
    if len(damage) > MAX_NAMED:
        yield f"{len(damage) - MAX_NAMED:,} more lines of {path} are damaged and left out"


def _check_metrics(row: Row) -> None:
    if row.get("part") not in PARTS:
        raise DamagedFile("it is not a row of metrics")
    _check_number(row, "step", finite=True)
    _check_number(row, "epoch", finite=True)
    _check_number(row, "loss")
    _check_number(row, "top1")
    for name in ("top5", "lr"):
        if row.setdefault(name, None) is not None:
            _check_number(row, name)


def _check_timing(row: Row) -> None:
    _check_number(row, "step", finite=True)
    _check_number(row, "seconds", finite=True)


def _check_number(row: Row, name: str, *, finite: bool = False) -> None:
    value = row.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise DamagedFile(f"`{name}` is not a number")
    try:
        number = float(value)
    except OverflowError:
        raise DamagedFile(f"`{name}` is too large") from None
    if finite and not (isfinite(number) and 0 <= number < 1e15):
        raise DamagedFile(f"`{name}` has an invalid value")
