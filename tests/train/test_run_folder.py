"""A run's folder: full disks, two trainers, and nothing in it that unpickling would run."""

import os
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGKILL, SIGSTOP

from tests.train.crash import Course, assert_same, content
from tests.train.launch import Moment, Server


def test_full_disks_change_nothing(server: Server, tmp_path: Path) -> None:
    course, chance = Course(server, tmp_path, "momentum"), Random(0)
    limits = [
        0,
        1500,
        *(chance.randrange(3000, 12_000) for _ in range(3)),
        30_000,
    ]  # run.json, metrics, tensors, curves
    for limit in limits:
        code, told = server.run(tmp_path, *course.command("run"), limit=limit)
        refused = (
            "error[E0535]: this folder cannot be written to: File too large" in told
        )  # before there is a run
        assert code == (1 if refused else 2), (limit, told)
        assert refused or "File too large; it takes " in told, (limit, told)
        assert "Traceback" not in told
    assert course.run("run")[0] == 0
    assert_same(course.whole, content(tmp_path / "run"))


def test_the_second_trainer_is_refused_and_a_dead_one_is_not_in_the_way(
    server: Server, tmp_path: Path
) -> None:
    course = Course(server, tmp_path, "pictures", 2)
    first = server.start(tmp_path, *course.command("run"), moments=[Moment("step", 5, SIGSTOP)])
    first.until_stopped()
    code, told = course.run("run")
    assert code == 2
    assert f"another process is training in run: process {first.pid} on " in told
    os.kill(first.pid, SIGKILL)
    os.kill(first.pid, SIGCONT)
    assert course.run("run")[0] == 0  # while the workers of the first are still there
    assert first.wait()[0] == -SIGKILL
    assert_same(course.whole, content(tmp_path / "run"))


def test_nothing_is_unpickled(server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "momentum")
    assert course.run("run", Moment("step", 20, SIGKILL))[0] == -SIGKILL
    for command in (course.command("run"), ["eval", "run"]):
        code, told = server.run(tmp_path, *command, forbidden="pickle.find_class")
        assert code == 0, told
