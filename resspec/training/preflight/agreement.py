"""Check that the processes of one training were all started for the same thing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from resspec.diagnostics import UsageError
from resspec.training.distributed.processes import Processes
from resspec.training.preflight.request import Request
from resspec.training.run import record

MAX_DIFFERENCES = 10  # that are named of one process


def require(requests: Sequence[Request], processes: Processes) -> None:
    """Compare a digest of everything that was asked for with those of the other processes.

    Raises:
        UsageError: They differ; the message says in what and in which process.
    """
    if processes.world == 1:
        return
    own = {"versions": record.versions(), "requests": [_asked(request) for request in requests]}
    digests = processes.gather(sha256(json.dumps(own, sort_keys=True).encode()).hexdigest())
    if len(set(digests)) == 1:
        return

    first, *others = processes.gather(own)
    lines = []
    for rank, other in enumerate(others, 1):
        found = list(_differences(first, other, ""))
        lines += [f"  process {rank}: {line}" for line in found[:MAX_DIFFERENCES]]
        if len(found) > MAX_DIFFERENCES:
            lines.append(f"  process {rank}: and {len(found) - MAX_DIFFERENCES} more")
    problem = "the processes do not agree on what to train"
    advice = "start each with the same command, data, and versions"
    raise UsageError("\n".join([f"{problem}; {advice}", *lines]), "E0534")


def _asked(request: Request) -> dict[str, Any]:
    """Return what must be the same in every process."""
    return {
        **(request.facts or {}),
        "run folder": str(request.folder),
        "full check": request.full_check,
        "plan only": request.only_plans,
    }


def _differences(first: Any, other: Any, path: str) -> Iterator[str]:
    if isinstance(first, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*first, *other]):
            below = f"{path}.{name}" if path else name
            yield from _differences(first.get(name), other.get(name), below)
    elif isinstance(first, list) and isinstance(other, list) and len(first) == len(other):
        for one, another in zip(first, other, strict=True):
            yield from _differences(one, another, path)
    elif first != other:
        yield f"{path.removeprefix('requests.')} is {other}, but {first} in process 0"
