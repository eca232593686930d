"""What nobody foresaw ends a run with one report, and with all steps that are whole."""

import os
import re
from pathlib import Path
from random import Random

import pytest

from resspec import crash
from resspec.training.run import checkpoint
from tests.train.crash import (
    Scenario,
    assert_same_result,
    fail_and_resume,
    random_exception,
    random_io_error,
)
from tests.train.faults import Fault
from tests.train.launch import Server

BETWEEN = [  # what fails, of which step the newest checkpoint is then, and what is said of the place
    (Fault("ZeroDivisionError", "resspec.training.steps.step:Learner.learn", 10), 9, "in step 10"),
    (Fault("RuntimeError", "resspec.training.steps.loop:test"), 20, "while testing after step 20"),
    (Fault("EIO", "resspec.training.run.measurements:append", 13), 13, "while logging step 13"),
    (
        Fault("ZeroDivisionError", "resspec.training.steps.loop:learning_rate", 60),
        60,
        "while logging step 60",
    ),  # saved before its row
    (
        Fault("SystemExit", "resspec.training.run.checkpoint:_tidy", 4),
        28,
        "while saving the checkpoint of step 28",
    ),
    (Fault("AssertionError", "resspec.training.finish:draw"), 60, "while writing the results"),
]


@pytest.fixture
def scenario(server: Server, tmp_path: Path) -> Scenario:
    return Scenario(server, tmp_path, "momentum")


def test_between_two_steps_the_state_is_saved(scenario: Scenario) -> None:
    for number, (fault, step, doing) in enumerate(BETWEEN):
        run = f"run{number}"
        code, output = scenario.fail(run, fault)
        assert code == 2, (fault, output)
        assert_one_report(output, doing)
        assert f"step {step} is " in output, (fault, output)
        assert max(checkpoint.steps(scenario.folder / run / "checkpoints")) == step
        assert "Traceback (most recent call last)" in (
            scenario.folder / run / "crash.txt"
        ).read_text(encoding="utf-8")
        code, output = scenario.run(run)
        assert code == 0, (fault, output)
        assert "instead" not in output  # of a damaged checkpoint
        assert_same_result(scenario, run)


def test_a_step_that_is_half_done_is_not_saved(scenario: Scenario) -> None:
    """While weights change; of the step before there is no copy."""
    code, output = scenario.fail(
        "run1", Fault("ZeroDivisionError", "resspec.training.steps.guard:Guard.check", 24)
    )
    assert code == 2
    assert_one_report(output, "in step 24")
    assert "the step was only partly done and cannot be saved" in output
    assert checkpoint.steps(scenario.folder / "run1" / "checkpoints") == [14, 21]
    assert scenario.run("run1")[0] == 0
    assert_same_result(scenario, "run1")


def test_a_state_that_cannot_be_saved_is_one_report_too(scenario: Scenario) -> None:
    code, output = scenario.fail("run1", Fault("ENOSPC", "files", 40, lasts=True))
    assert code == 2
    assert len(re.findall("^error", output, re.MULTILINE)) == 1, output
    assert "Traceback" not in output
    assert scenario.run("run1")[0] == 0
    assert_same_result(scenario, "run1")


def test_no_memory_in_a_step_costs_no_step(scenario: Scenario) -> None:
    code, output = scenario.fail(
        "run1", Fault("MemoryError", "resspec.training.steps.losses:hits", 24)
    )
    assert code == 2
    assert (
        "error[E0609]: there is not enough memory (in step 24); a checkpoint of step 23 is saved; run the same"
        in output
    )
    assert scenario.run("run1")[0] == 0
    assert_same_result(scenario, "run1")


def test_an_interrupt_by_a_library_is_saved(scenario: Scenario) -> None:
    code, output = scenario.fail(
        "run1", Fault("KeyboardInterrupt", "resspec.training.steps.loop:learning_rate", 10)
    )
    assert code == 130
    assert output.endswith(
        "interrupted while logging step 10; a checkpoint of step 10 is saved; run the same command again to resume\n"
    )
    assert scenario.run("run1")[0] == 0
    assert_same_result(scenario, "run1")


@pytest.mark.parametrize("workers", [0, 2])
def test_what_fails_where_images_are_read(workers: int, server: Server, tmp_path: Path) -> None:
    scenario = Scenario(server, tmp_path, "pictures", workers)
    code, output = scenario.fail(
        "run1",
        Fault("ZeroDivisionError", "resspec.training.data.workers:_ImageBatches.__getitem__", 5),
    )
    assert code == 2
    assert_one_report(output, r"while reading the images of step \d+")
    assert "ZeroDivisionError: division by zero\n" in (tmp_path / "run1" / "crash.txt").read_text(
        encoding="utf-8"
    )
    assert scenario.run("run1")[0] == 0
    assert_same_result(scenario, "run1")


def test_before_there_is_a_run_the_traceback_is_in_the_users_cache(scenario: Scenario) -> None:
    code, output = scenario.fail(
        "run1", Fault("ZeroDivisionError", "resspec.training.trainer:expand")
    )
    assert code == 2
    report = r"^error\[E0615\]: ZeroDivisionError: .*\n  run the same .*\n  the traceback is in (.*); please"
    found = re.search(report, output, re.MULTILINE)
    assert found, output
    assert Path(found[1]).parent == scenario.folder / "cache" / "resspec"
    assert "test_rescue" not in Path(found[1]).read_text(encoding="utf-8")
    assert scenario.run("run1")[0] == 0


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
        output = crash.report(error, "here", ("note",), tmp_path / "file" / "crash.txt")
    assert output.startswith("ZeroDivisionError: zero (here)\n  note\n  please report it:\n")
    assert output.count("Traceback (most recent call last)") == 1


def test_a_pipe_in_place_of_the_report_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "crash.txt")
    output = crash.report(ZeroDivisionError("zero"), "here", file=tmp_path / "crash.txt")
    found = re.search("the traceback is in (.*); please report it", output)
    assert found and Path(found[1]).parent == Path(os.environ["XDG_CACHE_HOME"]) / "resspec"


def assert_one_report(output: str, doing: str) -> None:
    assert len(re.findall("^error", output, re.MULTILINE)) == 1, output
    assert re.search(rf"^error\[E0615\]: \w+.* \({doing}\)$", output, re.MULTILINE), output
    assert "run the same command again to resume" in output
    assert re.search(
        r"^  the traceback is in run\d+/crash\.txt; please report it$", output, re.MULTILINE
    ), output
    assert "Traceback" not in output


def test_random_faults_change_nothing(scenario: Scenario) -> None:
    rng = Random(0)
    faults = [
        *(random_exception(scenario, rng) for _ in range(2)),
        *(random_io_error(rng) for _ in range(2)),
    ]
    for number, fault in enumerate(faults):
        fail_and_resume(scenario, f"run{number}", fault)
