"""Whether the run in a folder is the one that is asked for, and what may have changed since it began.

A training is its network, recipe, data set and seed. What only a test reads is no part of it: the test images and how they are
shown may change, and each result says what it was measured on. The one exception is `schedule: plateau`, which looks at images
that were held out as the test shows them, and so trains otherwise with another test, until the last step is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from resspec.diagnostics import UsageError
from resspec.train import checkpoint, record
from resspec.train.plan import Job

Facts = Mapping[str, Any]

NAMED = 6  # elements of a long list that are shown


def identity(job: Job) -> str:
    """Return a digest of what makes a training this one: each of its checkpoints carries it."""
    return sha256(json.dumps(_training(job.facts), sort_keys=True).encode()).hexdigest()


def check_same(found: Facts, job: Job, run: Path) -> None:
    """Check that the run in a folder is this job's, however its spec is written.

    Args:
        found: What its `run.json` says.

    Raises:
        UsageError: It is another one; the message says in what.
    """
    asked = job.facts
    told = [f"  {path}: {_shown(old, new)} there, {_shown(new, old)} now" for path, old, new in _differing(found, asked, run)]
    network = _network(found, job, run) if found["hash"] != asked["hash"] else ""
    if told or network:
        first = f"{run} contains another run, which was not changed; train in another folder"
        raise UsageError("\n".join([first, *told]) + network, "E0605")


def is_same(found: Facts, job: Job, run: Path) -> bool:
    """Return whether `check_same` would pass."""
    try:
        check_same(found, job, run)
    except UsageError:
        return False
    return True


def changes(found: Facts, job: Job) -> list[dict[str, Any]]:
    """Return what is otherwise in this job than in the run as it stands, and may be: entries for `changes` in `run.json`."""
    asked = {record.TEST_IMAGES: job.facts["data"]["test"], record.TEST_TRANSFORM: job.facts["recipe"]["data"]["test"]}
    return [
        {"what": what, "old": old, "new": new}
        for what, new in asked.items() if (old := record.latest(found, what)) != new
    ]


def _differing(found: Facts, asked: Facts, run: Path) -> Iterator[tuple[str, Any, Any]]:
    """Yield each key that is another one: its path, and both values."""
    yield from _pairs(_training(found), _training(asked), "")
    if asked["recipe"]["schedule"]["name"] == "plateau" and not _is_trained(found, run):
        yield from _pairs(found["recipe"]["data"]["test"], asked["recipe"]["data"]["test"], "data.test")


def _is_trained(found: Facts, run: Path) -> bool:
    """Return whether the last step is done, going by the checkpoints that are there."""
    return found["steps"] in checkpoint.steps(run / "checkpoints")


def _training(facts: Facts) -> Facts:
    """Drop where a recipe comes from, and what only a test reads."""
    data = {name: value for name, value in facts["data"].items() if name != "test"}
    shown = {name: value for name, value in facts["recipe"]["data"].items() if name != "test"}
    return {**facts, "data": data, "recipe": {**facts["recipe"], "source": "", "data": shown}}


def _pairs(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(new, dict) and isinstance(old, dict):
        for name in sorted(new.keys() | old.keys() if path else new):
            if name != "hash":
                yield from _pairs(old.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif old != new:
        yield path.removeprefix("recipe."), old, new


def _shown(value: Any, other: Any) -> str:
    """Of a list what is not in its place in the other one, if it is long."""
    if not isinstance(value, list) or len(value) <= NAMED:
        return str(value)
    differing = [each for i, each in enumerate(value) if not isinstance(other, list) or other[i : i + 1] != [each]]
    more = f", and {len(differing) - NAMED} more that differ" if len(differing) > NAMED else ""
    return f"{', '.join(map(str, differing[:NAMED]))}{more} (of {len(value)})"


def _network(found: Facts, job: Job, run: Path) -> str:
    from resspec.backends.diff import Side, diff
    from resspec.backends.diff.table import to_table
    from resspec.backends.report import report

    saved = record.network(run, found)
    return "\n\n" + to_table(diff(Side(report(saved), saved), Side(report(job.network), job.network))).rstrip()
