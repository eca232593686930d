"""kill -9 at any moment, then the same command again: the files are bitwise equal."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from signal import SIGKILL

import pytest

from tests.train.crash import (
    END,
    FIRST,
    SAVE,
    Scenario,
    assert_same_files,
    kill_and_resume,
    read_files,
)
from tests.train.launch import Server, Trigger


def test_resume_after_ten_sigkills_is_bitwise_equal(server: Server, tmp_path: Path) -> None:
    scenario, rng = Scenario(server, tmp_path, "momentum"), Random(0)
    saves = [Trigger("file", rng.randrange(1, 40), path=SAVE) for _ in range(3)]
    others = [
        Trigger("file", 3, path=FIRST),
        Trigger("step", 5),
        Trigger("test", 2),
        Trigger("time", 30),
        Trigger("step", 7),
    ]
    triggers = [
        *others[:2],
        *saves,
        *others[2:],
        Trigger("file", 4, path=END),
        Trigger("file", 9, path=END),
    ]
    assert kill_and_resume(scenario, "killed", triggers) == 10


def test_a_resumed_run_has_no_row_twice(server: Server, tmp_path: Path) -> None:
    scenario = Scenario(server, tmp_path, "momentum")
    assert killed_at(scenario, 20) == [*range(1, 20)]
    assert killed_at(scenario, 5) == [*range(1, 19)]  # on from step 14


def killed_at(scenario: Scenario, step: int) -> list[int]:
    """Steps of the rows of training, after a kill before so many more steps."""
    assert scenario.run("run", Trigger("step", step))[0] == -SIGKILL
    with (scenario.folder / "run" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return [int(row["step"]) for row in csv.DictReader(file) if row["part"] == "train"]


@pytest.mark.parametrize("recipe", ["epochs", "shares", "frozen"])
def test_resume_with_other_recipes_is_bitwise_equal(
    recipe: str, server: Server, tmp_path: Path
) -> None:
    """Plateau, clipping and exact batch norm; LAMB, mixed labels and micro-batches; freezing."""
    triggers = [Trigger("step", 5), Trigger("file", 23, path=SAVE), Trigger("test", 2)]
    assert kill_and_resume(Scenario(server, tmp_path, recipe), "killed", triggers) == 3


@pytest.mark.parametrize("workers", [0, 2])  # the campaign takes 4, too
def test_resume_with_workers_is_bitwise_equal(workers: int, server: Server, tmp_path: Path) -> None:
    scenario = Scenario(server, tmp_path, "pictures", workers)
    assert (
        kill_and_resume(
            scenario,
            "killed",
            [Trigger("file", 17, path=SAVE), Trigger("test", 1), Trigger("step", 3)],
        )
        == 3
    )


def test_a_forked_trainer_writes_the_files_of_a_real_process(
    server: Server, tmp_path: Path
) -> None:
    scenario = Scenario(server, tmp_path, "momentum")
    code, output = server.run(tmp_path, *scenario.command("forked"), complete=True)
    assert code == 0, output
    command = [sys.executable, "-m", "resspec", *scenario.command("own")]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert_same_files(read_files(tmp_path / "forked"), read_files(tmp_path / "own"))


def test_resume_after_sigkills_in_the_last_writes_is_bitwise_equal(
    server: Server, tmp_path: Path
) -> None:
    scenario = Scenario(server, tmp_path, "momentum")
    last_test = Trigger("test", 6)
    writes = [Trigger("file", number, path=END) for number in range(1, 30, 5)]
    assert kill_and_resume(scenario, "killed", [last_test, *writes]) == 7
