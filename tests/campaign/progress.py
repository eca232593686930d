"""Campaigns of many seeds, by CAMPAIGN_WORKERS processes (default: a core each). Stopped at any time, the same command goes on:
`build/campaign/WHAT.txt` holds how many were right, `WHAT.json` what was counted in so many files."""

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

FIRST = 1_000_000  # seeds that the tests do not use
FOLDER = Path(__file__).parents[2] / "build" / "campaign"
WORKERS = int(os.environ.get("CAMPAIGN_WORKERS") or os.cpu_count() or 1)

Examine = Callable[[int, Path], object]


def onwards(
    what: str,
    amount: int,
    examine: Examine,
    *,
    each: int = 1,
    batch: int = 100,
    workers: int = WORKERS,
) -> None:
    """`examine` is given a seed and a folder, which is new for each `batch` of seeds, and looks at `each` of what is counted; a
    failure stops there until it is gone."""
    progress = FOLDER / f"{what}.txt"
    done = int(progress.read_text(encoding="utf-8")) if progress.exists() else 0
    for stop, _ in _examined(what, range(done, amount, each), examine, batch, workers):
        progress.write_text(f"{stop}\n", encoding="utf-8")


def tally(what: str, files: int, examine: Callable[[int, Path], Counter[str]]) -> Counter[str]:
    """The sum of what `examine` counts in each of so many files."""
    path = FOLDER / f"{what}.json"
    score = Counter[str](json.loads(path.read_bytes()) if path.exists() else {})
    for stop, counted in _examined(what, range(score["files"], files), examine, 100, WORKERS):
        score += sum(
            (each for each in counted if isinstance(each, Counter)),
            Counter(files=stop - score["files"]),
        )
        path.write_text(json.dumps(score) + "\n", encoding="utf-8")
    return score


def _examined(
    what: str, seeds: range, examine: Examine, batch: int, workers: int
) -> Iterator[tuple[int, list[object]]]:
    """After each batch, in their order: how many are done, and what was found in these."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    gc.freeze()  # what is loaded by now is not walked again
    batches = [seeds[i : i + batch] for i in range(0, len(seeds), batch)]

    def examine_batch(i: int) -> list[object]:
        with TemporaryDirectory() as folder:
            return [examine(FIRST + seed, Path(folder)) for seed in batches[i]]

    for part, found in zip(batches, _mapped(examine_batch, len(batches), workers), strict=True):
        stop = min(part[-1] + seeds.step, seeds.stop)
        yield stop, found
        print(f"\r{stop:,} of {seeds.stop:,} {what}", end="", flush=True)
    print()


def _mapped(
    examine_batch: Callable[[int], list[object]], batches: int, workers: int
) -> Iterable[list[object]]:
    if workers == 1:
        return map(examine_batch, range(batches))
    return _forked(examine_batch, batches, workers)


def _forked(
    examine_batch: Callable[[int], list[object]], batches: int, workers: int
) -> Iterator[list[object]]:
    """The workers have it from before they were forked, since a closure cannot be sent to them."""
    global _work  # noqa: PLW0603
    _work = examine_batch
    with ProcessPoolExecutor(
        workers, get_context("fork")
    ) as pool:  # which says so where a worker dies
        yield from pool.map(_worked, range(batches))


_work: Callable[[int], list[object]]


def _worked(i: int) -> list[object]:
    return _work(i)
