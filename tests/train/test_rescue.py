"""What nobody foresaw ends a run with one report, and with all steps that are whole."""

import os
import re
from pathlib import Path
from random import Random

import pytest

from resspec import crash
from resspec.train import checkpoint
from tests.train.crash import Course, assert_ended_alike, exception, failed, failure
from tests.train.faults import Fault
from tests.train.launch import Server

BETWEEN = [  # what fails, of which step the newest checkpoint is then, and what is said of the place
    (Fault("ZeroDivisionError", "resspec.train.step:Learner.learn", 10), 9, "in step 10"),
    (Fault("RuntimeError", "resspec.train.loop:test"), 20, "while testing after step 20"),
    (Fault("EIO", "resspec.train.record:add", 13), 13, "while logging step 13"),
    (
        Fault("ZeroDivisionError", "resspec.train.loop:rate", 60),
        60,
        "while logging step 60",
    ),  # saved before its row
    (
        Fault("SystemExit", "resspec.train.checkpoint:_tidy", 4),
        28,
        "while saving the checkpoint of step 28",
    ),
    (Fault("AssertionError", "resspec.train.finish:draw"), 60, "while writing the results"),
]


@pytest.fixture
def course(server: Server, tmp_path: Path) -> Course:
    return Course(server, tmp_path, "momentum")


def test_between_two_steps_the_state_is_saved(course: Course) -> None:
    for number, (fault, step, doing) in enumerate(BETWEEN):
        run = f"run{number}"
        code, told = course.fail(run, fault)
        assert code == 2, (fault, told)
        assert_one_report(told, doing)
        assert f"step {step} is " in told, (fault, told)
        assert max(checkpoint.steps(course.folder / run / "checkpoints")) == step
        assert "Traceback (most recent call last)" in (course.folder / run / "crash.txt").read_text(
            encoding="utf-8"
        )
        code, told = course.run(run)
        assert code == 0, (fault, told)
        assert "instead" not in told  # of a damaged checkpoint
        assert_ended_alike(course, run)


def test_a_step_that_is_half_done_is_not_saved(course: Course) -> None:
    """While weights change; of the step before there is no copy."""
    code, told = course.fail(
        "run1", Fault("ZeroDivisionError", "resspec.train.guard:Guard.check", 24)
    )
    assert code == 2
    assert_one_report(told, "in step 24")
    assert "the step was only partly done and cannot be saved" in told
    assert checkpoint.steps(course.folder / "run1" / "checkpoints") == [14, 21]
    assert course.run("run1")[0] == 0
    assert_ended_alike(course, "run1")


def test_a_state_that_cannot_be_saved_is_one_report_too(course: Course) -> None:
    code, told = course.fail("run1", Fault("ENOSPC", "files", 40, lasts=True))
    assert code == 2
    assert len(re.findall("^error", told, re.MULTILINE)) == 1, told
    assert "Traceback" not in told
    assert course.run("run1")[0] == 0
    assert_ended_alike(course, "run1")


def test_no_memory_in_a_step_costs_no_step(course: Course) -> None:
    code, told = course.fail("run1", Fault("MemoryError", "resspec.train.losses:hits", 24))
    assert code == 2
    assert (
        "error[E0609]: there is not enough memory (in step 24); a checkpoint of step 23 is saved; run the same"
        in told
    )
    assert course.run("run1")[0] == 0
    assert_ended_alike(course, "run1")


def test_an_interrupt_by_a_library_is_saved(course: Course) -> None:
    code, told = course.fail("run1", Fault("KeyboardInterrupt", "resspec.train.loop:rate", 10))
    assert code == 130
    assert told.endswith(
        "interrupted while logging step 10; a checkpoint of step 10 is saved; run the same command again to resume\n"
    )
    assert course.run("run1")[0] == 0
    assert_ended_alike(course, "run1")


@pytest.mark.parametrize("workers", [0, 2])
def test_what_fails_where_images_are_read(workers: int, server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "pictures", workers)
    code, told = course.fail(
        "run1", Fault("ZeroDivisionError", "resspec.train.data.workers:_Decoded.__getitem__", 5)
    )
    assert code == 2
    assert_one_report(told, r"while reading the images of step \d+")
    assert "ZeroDivisionError: division by zero\n" in (tmp_path / "run1" / "crash.txt").read_text(
        encoding="utf-8"
    )
    assert course.run("run1")[0] == 0
    assert_ended_alike(course, "run1")


def test_before_there_is_a_run_the_traceback_is_in_the_users_cache(course: Course) -> None:
    code, told = course.fail("run1", Fault("ZeroDivisionError", "resspec.train.trainer:expand"))
    assert code == 2
    report = r"^error\[E0615\]: ZeroDivisionError: .*\n  run the same .*\n  the traceback is in (.*); please"
    found = re.search(report, told, re.MULTILINE)
    assert found, told
    assert Path(found[1]).parent == course.folder / "cache" / "resspec"
    assert "test_rescue" not in Path(found[1]).read_text(encoding="utf-8")
    assert course.run("run1")[0] == 0


def test_without_any_folder_the_traceback_is_in_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        crash, "_folders", lambda: [tmp_path / "file" / "below", Path("/proc/none")]
    )
    (tmp_path / "file").touch()
    try:
        raise ZeroDivisionError("zero")
    except ZeroDivisionError as error:
        told = crash.report(error, "here", ("note",), tmp_path / "file" / "crash.txt")
    assert told.startswith("ZeroDivisionError: zero (here)\n  note\n  please report it:\n")
    assert told.count("Traceback (most recent call last)") == 1


def test_a_pipe_in_place_of_the_report_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "crash.txt")
    told = crash.report(ZeroDivisionError("zero"), "here", file=tmp_path / "crash.txt")
    found = re.search("the traceback is in (.*); please report it", told)
    assert found and Path(found[1]).parent == Path(os.environ["XDG_CACHE_HOME"]) / "resspec"


def assert_one_report(told: str, doing: str) -> None:
    assert len(re.findall("^error", told, re.MULTILINE)) == 1, told
    assert re.search(rf"^error\[E0615\]: \w+.* \({doing}\)$", told, re.MULTILINE), told
    assert "run the same command again to resume" in told
    assert re.search(
        r"^  the traceback is in run\d+/crash\.txt; please report it$", told, re.MULTILINE
    ), told
    assert "Traceback" not in told


def test_random_faults_change_nothing(course: Course) -> None:
    chance = Random(0)
    faults = [*(exception(course, chance) for _ in range(2)), *(failure(chance) for _ in range(2))]
    for number, fault in enumerate(faults):
        failed(course, f"run{number}", fault)
