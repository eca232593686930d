"""What a run measured, as its folder has it: a row a line. A damaged line costs that line, and is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from resspec import files
from resspec.diagnostics import UsageError
from resspec.training.run import sealed
from resspec.training.run.sealed import DamagedFile
from resspec.training.steps.state import Row

PARTS = ("train", "held-out", "test")
NAMED = 3  # damaged lines of a file that are told one by one


class Read(NamedTuple):
    """The rows of a file, and a sentence for each way in which it is damaged."""

    rows: list[dict[str, Any]]
    damage: list[str]


def metrics(run: Path) -> Read:
    """Return the rows of `metrics.jsonl`; none where the file cannot be read."""
    return _read(run / "metrics.jsonl", _check_row)


def timings(run: Path) -> Read:
    """Return when each row was measured, as `timings.jsonl` has it."""
    return _read(run / "timings.jsonl", _check_timing)


def _read(path: Path, check: Callable[[Row], None]) -> Read:
    try:
        content = files.whole(path)
    except UsageError as error:
        return Read([], [str(error)])
    rows, damage = list[Row](), list[str]()
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line:
            continue
        try:
            row = sealed.parse(line)
            check(row)
            rows.append(row)
        except DamagedFile as why:
            damage.append(f"{path}, line {number:,}, is damaged and left out: {why}")
    return Read(rows, list(_shortened(damage, path)))


def _shortened(damage: list[str], path: Path) -> Iterator[str]:
    yield from damage[:NAMED]
    if len(damage) > NAMED:
        yield f"{len(damage) - NAMED:,} more lines of {path} are damaged and left out"


def _check_row(row: Any) -> None:
    """Raises DamagedFile."""
    if not isinstance(row, dict) or row.get("part") not in PARTS:
        raise DamagedFile("it is not a row of metrics")
    _check_number(row, "step", finite=True)
    _check_number(row, "epoch", finite=True)
    _check_number(row, "loss")
    _check_number(row, "top1")
    for name in ("top5", "lr"):
        if row.setdefault(name, None) is not None:
            _check_number(row, name)


def _check_timing(row: Any) -> None:
    """Raises DamagedFile."""
    if not isinstance(row, dict):
        raise DamagedFile("it is not a row of timings")
    _check_number(row, "step", finite=True)
    _check_number(row, "seconds", finite=True)


def _check_number(row: Row, name: str, *, finite: bool = False) -> None:
    """Raises DamagedFile."""
    value = row.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise DamagedFile(f"`{name}` is not a number")
    try:
        number = float(value)
    except OverflowError:
        raise DamagedFile(f"`{name}` is too large") from None
    if finite and not (isfinite(number) and 0 <= number < 1e15):
        raise DamagedFile(f"`{name}` has an invalid value")
