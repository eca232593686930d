"""Exceptions at random lines of the trainer, and failures of the system in its files, by the hundred: one report each, a good
checkpoint, and the same command comes to the end that the run would have had."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.campaign.progress import FOLDER, onwards
from tests.campaign.test_crash import server_and_folder
from tests.train.crash import RUNS, Course, exception, failed, failure
from tests.train.faults import Fault


def test_exceptions_at_lines() -> None:
    survived("faults-at-lines", 200, exception)


def test_failures_of_files() -> None:
    survived("faults-in-files", 100, lambda _, chance: failure(chance))


def survived(what: str, amount: int, fault_of: Callable[[Course, Random], Fault]) -> None:
    """So many, by what came of each in build/campaign/WHAT.json."""
    tally = FOLDER / f"{what}.json"
    with server_and_folder() as (server, folder):
        courses = [
            Course(server, folder / f"{recipe}-{workers}", recipe, workers)
            for recipe, workers in RUNS
        ]

        def one(seed: int, _: Path) -> None:
            course, chance = courses[seed % len(courses)], Random(seed)
            fault = fault_of(course, chance)
            outcome = failed(course, "run", fault)
            shutil.rmtree(course.folder / "run")
            came = Counter[str](
                json.loads(tally.read_text(encoding="utf-8")) if tally.exists() else {}
            )
            came[outcome] += 1
            tally.write_text(json.dumps(came) + "\n", encoding="utf-8")

        onwards(what, amount, one, batch=1, workers=1)
