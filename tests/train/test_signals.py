"""SIGTERM and SIGINT at any moment, once and twice: the run can go on, to the very end it would
have had.
"""

import json
import os
import pty
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGHUP, SIGINT, SIGSTOP, SIGTERM, SIGXCPU, Signals

import pytest

from resspec.compiler import load
from resspec.training import data, recipe_file, stop, trainer
from resspec.training.output.progress import Show
from resspec.training.plan import Job
from tests.train.crash import (
    FIRST,
    RECIPES,
    SAVE,
    Scenario,
    assert_same_files,
    assert_same_result,
    draw_pictures,
    interrupt_and_resume,
    random_signals,
    read_files,
)
from tests.train.launch import ROOT, Server, Trigger, heed_signals
from tests.train.small import ALONE, SPEC


def test_signals_change_nothing_and_say_so_in_the_exit_code(server: Server, tmp_path: Path) -> None:
    scenario, rng = Scenario(server, tmp_path, "momentum"), Random(0)
    once: list[tuple[Trigger, int]] = [
        (Trigger("file", 1, SIGINT, FIRST), -SIGINT),  # before it hears: a shell says 130
        (Trigger("file", 3, SIGTERM, FIRST), 143),
        (Trigger("step", 4, SIGINT), 130),
        (Trigger("file", 20, SIGTERM, SAVE), 143),
        (Trigger("test", 2, SIGINT), 130),
        (Trigger("step", 2, SIGHUP), 129),
        (Trigger("step", 2, SIGXCPU), 152),
    ]
    for trigger, wanted in once:
        code, output = scenario.run("run", trigger)
        assert code == wanted, (trigger, output)
        assert (f"\nstopped by {Signals(trigger.signal).name} " in output) == (code > 0)
        assert "error" not in output
    code, output = scenario.run(
        "run", Trigger("step", 2, SIGTERM), Trigger("file", 3, SIGHUP, SAVE)
    )  # a closed terminal
    assert code == 143, output
    code, output = scenario.run(
        "run", Trigger("step", 2, SIGTERM), Trigger("file", 3, SIGINT, SAVE)
    )  # and again, in the save
    assert code == 130, output
    assert "stopped" not in output
    interrupt_and_resume(scenario, "run", [random_signals(rng) for _ in range(2)])


def test_a_signal_that_is_ignored_at_the_start_stays_ignored(
    server: Server, tmp_path: Path
) -> None:
    scenario = Scenario(server, tmp_path, "momentum")
    triggers = [Trigger("step", 3, SIGHUP), Trigger("file", 5, SIGINT, SAVE)]
    code, output = server.run(
        tmp_path, *scenario.command("run"), triggers=triggers, ignored=(SIGHUP, SIGINT)
    )
    assert code == 0, output
    assert_same_files(scenario.reference, read_files(tmp_path / "run"))


def test_a_signal_that_is_passed_on_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`timeout` sends its signal to its child and then to all of the child's group."""

    def ended(code: int) -> None:
        raise AssertionError(code)

    monkeypatch.setattr(stop, "SAME", 1e9)
    monkeypatch.setattr(os, "_exit", ended)
    with stop.watched(ALONE) as stopping:
        os.kill(os.getpid(), SIGTERM)
        os.kill(os.getpid(), SIGTERM)
        assert stopping.asked == SIGTERM


TRAIN = [
    sys.executable,
    "-m",
    "resspec",
    "train",
    "tiny.res",
    "--recipe",
    "recipe.yaml",
    "--data",
    "digits",
    "--run",
    "run",
]


def test_a_terminal_that_is_closed_costs_no_step(server: Server, tmp_path: Path) -> None:
    """A real one: the system sends SIGHUP, and what is printed from then on fails."""
    scenario = Scenario(server, tmp_path, "momentum")
    recipe = scenario.folder / "recipe.yaml"
    recipe.write_text(
        recipe.read_text(encoding="utf-8").replace("60 iterations", "100000 iterations"),
        encoding="utf-8",
    )
    process, terminal = pty.fork()
    if not process:
        os.chdir(tmp_path)
        heed_signals()
        os.execve(TRAIN[0], TRAIN, {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)})
    while b"img/s" not in os.read(terminal, 4096):
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 129
    rows = (tmp_path / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    last = max((tmp_path / "run" / "checkpoints").iterdir())
    assert last.name == f"step-{json.loads(rows[-1])['step']:08d}"


@pytest.mark.parametrize("workers", [0, 1])
def test_another_thread_than_the_main_one_can_train(workers: int, tmp_path: Path) -> None:
    """As in a notebook's server; it hears no signals."""
    draw_pictures(tmp_path / "pictures")
    spec = tmp_path / "tiny.res"
    spec.write_text(SPEC.replace("1x8x8", "3x8x8").replace("fc 10", "fc 3"), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(
        RECIPES["pictures"].replace("16 iter", "3 iter"), encoding="utf-8"
    )
    recipe = recipe_file.load(str(tmp_path / "recipe.yaml"))
    found = data.load(str(tmp_path / "pictures"), normalize=recipe.data.normalize)
    job = Job(load(spec), recipe, found, 0, workers=workers)
    with ThreadPoolExecutor(1) as pool:
        planned = pool.submit(trainer.planned, job, tmp_path / "run", ALONE).result()
        result = pool.submit(trainer.train, planned, tmp_path / "run", show=Show()).result()
    assert result.facts["total"] == 15


def test_a_signal_in_the_last_test_leaves_the_end_undone(server: Server, tmp_path: Path) -> None:
    scenario = Scenario(server, tmp_path, "epochs")
    code, output = scenario.run(
        "run", Trigger("test", 6, SIGTERM)
    )  # five of the held-out part come before
    assert code == 143, output
    assert not (tmp_path / "run" / "result.json").exists()
    assert scenario.run("run")[0] == 0
    assert_same_result(scenario, "run")


@pytest.mark.parametrize("number", [SIGTERM, SIGHUP])
def test_a_signal_to_all_processes_of_a_run_does_not_take_its_workers(
    number: int, server: Server, tmp_path: Path
) -> None:
    scenario = Scenario(server, tmp_path, "pictures", 2)
    trainer = server.start(
        tmp_path, *scenario.command("run"), triggers=[Trigger("step", 3, SIGSTOP)]
    )
    trainer.until_stopped()
    os.killpg(trainer.pid, number)
    os.killpg(trainer.pid, SIGCONT)
    code, output = trainer.wait()
    assert code == 128 + number, output
    assert f"stopped by {Signals(number).name} after step 3 of 16, checkpoint saved" in output


def test_a_signal_that_comes_too_late_for_a_part_is_heard_by_the_whole() -> None:
    with stop.watched(ALONE) as whole:
        with stop.watched(ALONE) as part:
            os.kill(os.getpid(), SIGTERM)
            assert (part.asked, whole.asked) == (SIGTERM, 0)
        assert whole.asked == SIGTERM
