"""What a run in a folder and a job differ in, told so that a person sees which of the two is meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from resspec.train import record
from resspec.train.plan import Job


def identity(job: Job) -> str:
    """A digest of what makes a job this one: each of its checkpoints carries it."""
    return sha256(json.dumps(_unsourced(job.facts), sort_keys=True).encode()).hexdigest()


def differences(found: dict[str, Any], job: Job, run: Path) -> str | None:
    """`found`: the folder's run.json. None where it is the same job, however its spec is written."""
    found, asked = _unsourced(found), _unsourced(job.facts)
    told = [f"  {path}: {old} there, {new} now" for path, old, new in _pairs(found, asked, "")]
    network = _network(found, job, run) if found["hash"] != asked["hash"] else ""
    if not told and not network:
        return None
    return "\n".join([f"{run} holds another run, and is left as it is; choose another folder with --run", *told]) + network


def _unsourced(facts: dict[str, Any]) -> dict[str, Any]:
    """Where a recipe comes from is told, and changes nothing."""
    return {**facts, "recipe": {**facts["recipe"], "source": ""}}


def _pairs(old: Any, new: Any, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(new, dict) and isinstance(old, dict):
        for name in new.keys() | old.keys() if path else new:
            if name != "hash":
                yield from sorted(_pairs(old.get(name), new.get(name), f"{path}.{name}" if path else name))
    elif old != new:
        yield path.removeprefix("recipe."), str(old), str(new)


def _network(found: dict[str, Any], job: Job, run: Path) -> str:
    from resspec.backends.diff import Side, diff
    from resspec.backends.diff.table import to_table
    from resspec.backends.report import report

    saved = record.network(run, found)
    return "\n\n" + to_table(diff(Side(report(saved), saved), Side(report(job.network), job.network))).rstrip()
