"""A run's folder: full disks, two trainers, and nothing in it that unpickling would run."""

import os
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGKILL, SIGSTOP

from tests.train.crash import Scenario, assert_same_files, read_files
from tests.train.launch import Server, Trigger


def test_full_disks_change_nothing(server: Server, tmp_path: Path) -> None:
    scenario, rng = Scenario(server, tmp_path, "momentum"), Random(0)
    limits = [
        0,
        1500,
        *(rng.randrange(3000, 12_000) for _ in range(3)),
        30_000,
    ]  # run.json, metrics, tensors, curves
    for limit in limits:
        code, output = server.run(tmp_path, *scenario.command("run"), limit=limit, complete=True)
        refused = (
            "error[E0535]: this folder cannot be written to: File too large" in output
        )  # before there is a run
        assert code == (1 if refused else 2), (limit, output)
        assert refused or "File too large; it takes " in output, (limit, output)
        assert "Traceback" not in output
    assert scenario.run("run")[0] == 0
    assert_same_files(scenario.reference, read_files(tmp_path / "run"))


def test_the_second_trainer_is_refused_and_a_dead_one_is_not_in_the_way(
    server: Server, tmp_path: Path
) -> None:
    scenario = Scenario(server, tmp_path, "pictures", 2)
    first = server.start(tmp_path, *scenario.command("run"), triggers=[Trigger("step", 5, SIGSTOP)])
    first.until_stopped()
    code, output = scenario.run("run")
    assert code == 2
    assert f"another process is training in run: process {first.pid} on " in output
    os.kill(first.pid, SIGKILL)
    os.kill(first.pid, SIGCONT)
    assert scenario.run("run")[0] == 0  # while the workers of the first are still there
    assert first.wait()[0] == -SIGKILL
    assert_same_files(scenario.reference, read_files(tmp_path / "run"))


def test_nothing_is_unpickled(server: Server, tmp_path: Path) -> None:
    scenario = Scenario(server, tmp_path, "momentum")
    assert scenario.run("run", Trigger("step", 20, SIGKILL))[0] == -SIGKILL
    for command in (scenario.command("run"), ["eval", "run"]):
        code, output = server.run(tmp_path, *command, forbidden="pickle.find_class")
        assert code == 0, output
