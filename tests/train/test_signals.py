"""SIGTERM and SIGINT at any moment, once and twice: the run can go on, to the very end it would have had."""

import os
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGINT, SIGSTOP, SIGTERM

from tests.train.crash import FIRST, SAVE, Course, assert_ended_alike, interrupted, interruption
from tests.train.launch import Moment, Server


def test_signals_change_nothing_and_say_so_in_the_exit_code(server: Server, tmp_path: Path) -> None:
    course, chance = Course(server, tmp_path, "momentum"), Random(0)
    once: list[tuple[Moment, int]] = [
        (Moment("file", 1, SIGINT, FIRST), -SIGINT),  # before it hears: a shell says 130
        (Moment("file", 3, SIGTERM, FIRST), 143),
        (Moment("step", 4, SIGINT), 130),
        (Moment("file", 20, SIGTERM, SAVE), 143),
        (Moment("test", 2, SIGINT), 130),
    ]
    for moment, wanted in once:
        code, told = course.run("run", moment)
        assert code == wanted, (moment, told)
        assert ("stopped by a signal after step" in told) == (code > 0)
    code, told = course.run("run", Moment("step", 2, SIGTERM), Moment("file", 3, SIGINT, SAVE))  # and again, in the save
    assert code == 130, told
    assert "stopped" not in told
    interrupted(course, "run", [interruption(chance) for _ in range(2)])


def test_a_signal_in_the_last_test_leaves_the_end_undone(server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "epochs")
    code, told = course.run("run", Moment("test", 6, SIGTERM))  # five of the held-out part come before
    assert code == 143, told
    assert not (tmp_path / "run" / "result.json").exists()
    assert course.run("run")[0] == 0
    assert_ended_alike(course, "run")


def test_a_signal_to_all_processes_of_a_run_does_not_take_its_workers(server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "pictures", 2)
    trainer = server.start(tmp_path, *course.command("run"), moments=[Moment("step", 3, SIGSTOP)])
    trainer.until_stopped()
    os.killpg(trainer.pid, SIGTERM)
    os.killpg(trainer.pid, SIGCONT)
    code, told = trainer.wait()
    assert code == 143, told
    assert "stopped by a signal after step 3 of 16" in told
