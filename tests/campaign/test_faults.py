"""Hundreds of exceptions at random lines of the trainer, and of failing writes.

Each gives one report and leaves a good checkpoint, and the resumed run ends with the same result.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.campaign.progress import FOLDER, run_campaign
from tests.campaign.test_crash import all_scenarios, read_counts, server_and_folder, write_counts
from tests.train.crash import Scenario, fail_and_resume, random_exception, random_io_error
from tests.train.faults import Fault


def test_resume_after_an_exception_at_any_line() -> None:
    run_faults("faults-at-lines", 200, random_exception)


def test_resume_after_a_failing_write() -> None:
    run_faults("faults-in-files", 100, lambda _, rng: random_io_error(rng))


def run_faults(name: str, count: int, random_fault: Callable[[Scenario, Random], Fault]) -> None:
    """Run trainers with random faults; their outcomes are counted in build/campaign/NAME.json."""
    counts_file = FOLDER / f"{name}.json"
    with server_and_folder() as (server, folder):
        scenarios = all_scenarios(server, folder)

        def run_one(seed: int, _: Path) -> None:
            scenario, rng = scenarios[seed % len(scenarios)], Random(seed)
            outcome = fail_and_resume(scenario, "run", random_fault(scenario, rng))
            shutil.rmtree(scenario.folder / "run")

            counts = read_counts(counts_file)
            counts[outcome] += 1
            write_counts(counts_file, counts)

        run_campaign(name, count, run_one, batch_size=1, workers=1)
