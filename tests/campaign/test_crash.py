"""Hundreds of kills, signals and full disks in real trainers."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from signal import SIGKILL, Signals
from tempfile import TemporaryDirectory

from tests.campaign.progress import FOLDER, run_campaign
from tests.train.crash import (
    END,
    FIRST,
    RUNS,
    SAVE,
    Scenario,
    assert_same_files,
    assert_same_result,
    random_kill,
    random_signals,
    read_files,
)
from tests.train.launch import Server, Trigger, start_server
from tests.train.small import SPEC

PLACES = {
    SAVE: "inside a save",
    END: "in the last writes",
    FIRST: "in the first writes",
    "test": "in a test",
    "step": "between two steps",
    "time": "at any time",
}


def test_resume_after_sigkill_is_bitwise_equal() -> None:
    def run(scenario: Scenario, triggers: list[Trigger]) -> int:
        code, output = scenario.run("run", *triggers)
        assert code in (0, -SIGKILL), (triggers, output)
        return code

    end_and_resume(
        "kills",
        1_000,
        lambda rng: [random_kill(rng)],
        run,
        lambda scenario: assert_same_files(*reference_and_run(scenario)),
    )


def test_resume_after_signals_gives_the_same_result() -> None:
    """A signal before the handlers are set, or a second one, ends the process by default action."""

    def run(scenario: Scenario, triggers: list[Trigger]) -> int:
        code, output = scenario.run("run", *triggers)
        case = (triggers, output)
        signals = {trigger.signal for trigger in triggers}
        is_early = triggers[0].kind == "time" or triggers[0].path == FIRST

        assert code in {0, *(128 + signal for signal in signals)} or (
            is_early and -code in signals
        ), case
        assert "Traceback" not in output, case
        if code and not is_early and len(triggers) == 1:
            assert re.search(r"stopped by SIG\w+ ", output), case
        return code

    end_and_resume(
        "signals",
        100,
        random_signals,
        run,
        lambda scenario: assert_same_result(scenario, "run"),
    )


def test_a_full_disk_keeps_the_last_checkpoint() -> None:
    with server_and_folder() as (server, folder):
        scenario = Scenario(server, folder / "momentum", "momentum")
        wide = SPEC.replace("3x3, 4", "3x3, 32").replace("unit 4", "unit 32")
        (scenario.folder / "tiny.res").write_text(wide, encoding="utf-8")
        size = max(map(len, scenario.reference.values()))  # of the tensors
        run = scenario.folder / "run"
        refusal = "cannot save a checkpoint in run/checkpoints: File too large; it takes "

        def fill_disk(seed: int, _: Path) -> None:
            rng = Random(seed)
            assert scenario.run("run", Trigger("step", rng.randrange(9, 60)))[0] == -SIGKILL
            last = max((run / "checkpoints").glob("step-*"))
            before, limit = read_files(last), rng.randrange(12_000, size)

            code, output = server.run(scenario.folder, *scenario.command("run"), limit=limit)
            case = (seed, limit, output)
            if "error[E0533]: the run will write files of" in output:  # found before it resumes
                assert code == 1, case
            else:
                kept = f"B are free; the checkpoint of step {int(last.name[5:])} is kept"
                assert code == 2, case
                assert refusal in output, case
                assert kept in output, case
            assert read_files(last) == before, case

            assert scenario.run("run")[0] == 0
            assert_same_files(*reference_and_run(scenario))
            shutil.rmtree(run)

        run_campaign("full-disks", 50, fill_disk, batch_size=1, workers=1)


def end_and_resume(
    name: str,
    count: int,
    random_triggers: Callable[[Random], list[Trigger]],
    run: Callable[[Scenario, list[Trigger]], int],
    check: Callable[[Scenario], object],
) -> None:
    """End trainers early, and run the same command again until a run ends by itself.

    How many were ended where is counted in build/campaign/NAME.json.

    Args:
        name: The name of the campaign.
        count: How many trainers to end.
        random_triggers: Chooses what ends the next one.
        run: Runs the trainer with these triggers, and returns its exit code.
        check: Checks a run that ended by itself.
    """
    counts_file = FOLDER / f"{name}.json"
    with server_and_folder() as (server, folder):
        scenarios = all_scenarios(server, folder)

        def end_eight(seed: int, _: Path) -> None:
            scenario, rng = scenarios[seed // 8 % len(scenarios)], Random(seed)
            counts = read_counts(counts_file)
            goal = counts.total() + 8

            while counts.total() < goal:
                triggers = random_triggers(rng)
                if run(scenario, triggers):
                    counts[describe(triggers)] += 1
                else:
                    check_and_remove(scenario)

            code, output = scenario.run("run")
            assert code == 0, (seed, output)
            check_and_remove(scenario)
            write_counts(counts_file, counts)

        def check_and_remove(scenario: Scenario) -> None:
            check(scenario)
            shutil.rmtree(scenario.folder / "run")

        run_campaign(name, count, end_eight, step=8, batch_size=1, workers=1)


def describe(triggers: list[Trigger]) -> str:
    first, *more = triggers
    name = "" if first.signal == SIGKILL else f"{Signals(first.signal).name} "
    return name + PLACES[first.path or first.kind] + (", and again" if more else "")


def reference_and_run(scenario: Scenario) -> tuple[dict[str, bytes], dict[str, bytes]]:
    return scenario.reference, read_files(scenario.folder / "run")


def all_scenarios(server: Server, folder: Path) -> list[Scenario]:
    return [
        Scenario(server, folder / f"{recipe}-{workers}", recipe, workers)
        for recipe, workers in RUNS
    ]


def read_counts(file: Path) -> Counter[str]:
    return Counter(json.loads(file.read_text(encoding="utf-8")) if file.exists() else {})


def write_counts(file: Path, counts: Counter[str]) -> None:
    file.write_text(json.dumps(counts) + "\n", encoding="utf-8")


@contextmanager
def server_and_folder() -> Iterator[tuple[Server, Path]]:
    # A temporary folder of its own: a campaign of hours outlives those of pytest.
    with start_server() as server, TemporaryDirectory() as folder:
        yield server, Path(folder)
