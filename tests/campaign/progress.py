"""Run one check for many seeds, on CAMPAIGN_WORKERS processes (default: one per core).

A campaign can be stopped at any time, and the same command resumes it: `build/campaign/NAME.txt`
holds how many seeds passed, `NAME.json` the outcomes counted so far.
"""

from __future__ import annotations

import gc
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

FIRST_SEED = 1_000_000  # the tests use the seeds before
FOLDER = Path(__file__).parents[2] / "build" / "campaign"
WORKERS = int(os.environ.get("CAMPAIGN_WORKERS") or os.cpu_count() or 1)

Check = Callable[[int, Path], object]


def run_campaign(
    name: str,
    count: int,
    check: Check,
    *,
    step: int = 1,
    batch_size: int = 100,
    workers: int = WORKERS,
) -> None:
    """Check seeds until `count` have passed. A failing seed stops every run until it passes.

    Args:
        name: The name of the campaign and of its progress file.
        count: The number of seeds.
        check: A function of a seed and a folder that is new for each batch.
        step: How many of `count` one call of `check` covers.
        batch_size: The seeds of a batch, after which progress is saved.
        workers: The number of processes.
    """
    progress = FOLDER / f"{name}.txt"
    done = int(progress.read_text(encoding="utf-8")) if progress.exists() else 0
    for stop, _ in _run_batches(name, range(done, count, step), check, batch_size, workers):
        progress.write_text(f"{stop}\n", encoding="utf-8")


def count_outcomes(
    name: str, files: int, examine: Callable[[int, Path], Counter[str]]
) -> Counter[str]:
    """Return the sum of what `examine` counts for each of that many seeds."""
    path = FOLDER / f"{name}.json"
    total = Counter[str](json.loads(path.read_bytes()) if path.exists() else {})
    seeds = range(total["files"], files)

    for stop, results in _run_batches(name, seeds, examine, 100, WORKERS):
        total["files"] = stop
        for counts in results:
            assert isinstance(counts, Counter)
            total += counts
        path.write_text(json.dumps(total) + "\n", encoding="utf-8")
    return total


def _run_batches(
    name: str, seeds: range, check: Check, batch_size: int, workers: int
) -> Iterator[tuple[int, list[object]]]:
    """Yield after each batch, in order, the number of seeds done and the results of the batch."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    gc.freeze()  # keep the collector off what is loaded by now: forked pages stay shared
    batches = [seeds[i : i + batch_size] for i in range(0, len(seeds), batch_size)]

    def run_batch(i: int) -> list[object]:
        with TemporaryDirectory() as folder:
            return [check(FIRST_SEED + seed, Path(folder)) for seed in batches[i]]

    for batch, results in zip(batches, _map(run_batch, len(batches), workers), strict=True):
        stop = min(batch[-1] + seeds.step, seeds.stop)
        yield stop, results
        print(f"\r{stop:,} of {seeds.stop:,} {name}", end="", flush=True)
    print()


def _map(
    run_batch: Callable[[int], list[object]], batches: int, workers: int
) -> Iterable[list[object]]:
    if workers == 1:
        return map(run_batch, range(batches))
    return _map_in_processes(run_batch, batches, workers)


def _map_in_processes(
    run_batch: Callable[[int], list[object]], batches: int, workers: int
) -> Iterator[list[object]]:
    """Fork workers, which inherit `run_batch`: a closure cannot be pickled and sent to them."""
    global _inherited  # noqa: PLW0603
    _inherited = run_batch
    with ProcessPoolExecutor(workers, get_context("fork")) as pool:  # raises if a worker dies
        yield from pool.map(_call_inherited, range(batches))


_inherited: Callable[[int], list[object]]


def _call_inherited(i: int) -> list[object]:
    return _inherited(i)
