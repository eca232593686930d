"""The spread of results over runs that differ in their seed alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from statistics import mean, stdev

from resspec.training.run.compare import Run

_SAME = ("hash", "weights", "steps")


def lines(runs: Sequence[Run]) -> Iterator[str]:
    """Yield a sentence for each training that was run with several seeds."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if run.test and run.test["part"] == "test":
            groups.setdefault(_training(run), []).append(run)
    for group in groups.values():
        seeds = {run.facts["seed"] for run in group}
        if len(seeds) == len(group) > 1:
            yield _spread(group)


def _training(run: Run) -> str:
    """Return what two runs have in common that differ in their seed alone."""
    facts = run.facts
    data = {name: facts["data"][name] for name in ("name", "train", "test")}
    recipe = {name: value for name, value in facts["recipe"].items() if name != "source"}
    same = {name: facts.get(name) for name in _SAME}
    return json.dumps([same, data, recipe], sort_keys=True)


def _spread(group: Sequence[Run]) -> str:
    errors = [100 * (1 - run.test["top1"]) for run in group if run.test]
    facts = group[0].facts
    found = (
        f"{mean(errors):.2f}% ± {stdev(errors):.2f} (from {min(errors):.2f} to {max(errors):.2f})"
    )
    return f"{facts['network']} on {facts['data']['name']}, {len(group)} seeds: top-1 error {found}"
