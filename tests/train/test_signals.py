"""SIGTERM and SIGINT at any moment, once and twice: the run can go on, to the very end it would have had."""

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
from resspec.train import data, recipe_file, stop, trainer
from resspec.train.plan import Job
from resspec.train.progress import Show
from tests.train.crash import (
    FIRST,
    RECIPES,
    SAVE,
    Course,
    assert_ended_alike,
    assert_same,
    content,
    draw_pictures,
    interrupted,
    interruption,
)
from tests.train.launch import ROOT, Moment, Server, heed_signals
from tests.train.small import ALONE, SPEC


def test_signals_change_nothing_and_say_so_in_the_exit_code(server: Server, tmp_path: Path) -> None:
    course, chance = Course(server, tmp_path, "momentum"), Random(0)
    once: list[tuple[Moment, int]] = [
        (Moment("file", 1, SIGINT, FIRST), -SIGINT),  # before it hears: a shell says 130
        (Moment("file", 3, SIGTERM, FIRST), 143),
        (Moment("step", 4, SIGINT), 130),
        (Moment("file", 20, SIGTERM, SAVE), 143),
        (Moment("test", 2, SIGINT), 130),
        (Moment("step", 2, SIGHUP), 129),
        (Moment("step", 2, SIGXCPU), 152),
    ]
    for moment, wanted in once:
        code, told = course.run("run", moment)
        assert code == wanted, (moment, told)
        assert (f"\nstopped by {Signals(moment.signal).name} " in told) == (code > 0)
        assert "error" not in told
    code, told = course.run(
        "run", Moment("step", 2, SIGTERM), Moment("file", 3, SIGHUP, SAVE)
    )  # a closed terminal
    assert code == 143, told
    code, told = course.run(
        "run", Moment("step", 2, SIGTERM), Moment("file", 3, SIGINT, SAVE)
    )  # and again, in the save
    assert code == 130, told
    assert "stopped" not in told
    interrupted(course, "run", [interruption(chance) for _ in range(2)])


def test_a_signal_that_is_ignored_at_the_start_stays_ignored(
    server: Server, tmp_path: Path
) -> None:
    course = Course(server, tmp_path, "momentum")
    moments = [Moment("step", 3, SIGHUP), Moment("file", 5, SIGINT, SAVE)]
    code, told = server.run(
        tmp_path, *course.command("run"), moments=moments, ignored=(SIGHUP, SIGINT)
    )
    assert code == 0, told
    assert_same(course.whole, content(tmp_path / "run"))


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
    course = Course(server, tmp_path, "momentum")
    recipe = course.folder / "recipe.yaml"
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
    found = data.load(str(tmp_path / "pictures"), normalise=recipe.data.normalise)
    job = Job(load(spec), recipe, found, 0, workers=workers)
    with ThreadPoolExecutor(1) as pool:
        planned = pool.submit(trainer.planned, job, tmp_path / "run", ALONE).result()
        result = pool.submit(trainer.train, planned, tmp_path / "run", show=Show()).result()
    assert result.facts["total"] == 15


def test_a_signal_in_the_last_test_leaves_the_end_undone(server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "epochs")
    code, told = course.run(
        "run", Moment("test", 6, SIGTERM)
    )  # five of the held-out part come before
    assert code == 143, told
    assert not (tmp_path / "run" / "result.json").exists()
    assert course.run("run")[0] == 0
    assert_ended_alike(course, "run")


@pytest.mark.parametrize("number", [SIGTERM, SIGHUP])
def test_a_signal_to_all_processes_of_a_run_does_not_take_its_workers(
    number: int, server: Server, tmp_path: Path
) -> None:
    course = Course(server, tmp_path, "pictures", 2)
    trainer = server.start(tmp_path, *course.command("run"), moments=[Moment("step", 3, SIGSTOP)])
    trainer.until_stopped()
    os.killpg(trainer.pid, number)
    os.killpg(trainer.pid, SIGCONT)
    code, told = trainer.wait()
    assert code == 128 + number, told
    assert f"stopped by {Signals(number).name} after step 3 of 16, checkpoint saved" in told


def test_a_signal_that_comes_too_late_for_a_part_is_heard_by_the_whole() -> None:
    with stop.watched(ALONE) as whole:
        with stop.watched(ALONE) as part:
            os.kill(os.getpid(), SIGTERM)
            assert (part.asked, whole.asked) == (SIGTERM, 0)
        assert whole.asked == SIGTERM
