"""A run folder belongs to one trainer, whatever becomes of the files in it, and of the folder."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP

import pytest

from resspec.diagnostics import UsageError
from resspec.training.run import checkpoint, record
from tests.train.crash import Scenario, assert_same_files, assert_same_result, read_files
from tests.train.launch import Server, Trainer, Trigger, state


@pytest.fixture
def scenario(server: Server, tmp_path: Path) -> Scenario:
    return Scenario(server, tmp_path, "momentum")


@pytest.fixture
def stopped(scenario: Scenario) -> Trainer:
    """A trainer that waits for SIGCONT, in the folder `run`, before its 20th step."""
    trainer = scenario.server.start(
        scenario.folder, *scenario.command("run"), triggers=[Trigger("step", 20, SIGSTOP)]
    )
    trainer.until_stopped()
    return trainer


def killed(trainer: Trainer) -> None:
    os.kill(trainer.pid, SIGKILL)
    trainer.wait()


def ended(trainer: Trainer) -> tuple[int, str]:
    os.kill(trainer.pid, SIGCONT)
    return trainer.wait()


def test_a_lock_that_is_removed_lets_no_second_trainer_in(
    scenario: Scenario, stopped: Trainer
) -> None:
    lock = scenario.folder / "run" / "lock"
    for change in (
        lock.unlink,
        lambda: lock.write_text("mine now\n", encoding="utf-8"),
        lock.unlink,
    ):
        change()
        code, output = scenario.run("run")
        assert code == 2, output
        assert "error[E0601]: another process is training in run: " in output
    assert ended(stopped)[0] == 0
    assert_same_files(scenario.reference, read_files(scenario.folder / "run"))


def test_a_run_that_trains_can_be_looked_at(scenario: Scenario, stopped: Trainer) -> None:
    code, output = scenario.server.run(scenario.folder, "compare", "run")
    killed(stopped)
    assert code == 0, output


def test_of_two_that_start_at_the_same_moment_one_trains(scenario: Scenario) -> None:
    triggers = [Trigger("file", 1, SIGSTOP, "^run$"), Trigger("step", 5, SIGSTOP)]
    both = [
        scenario.server.start(scenario.folder, *scenario.command("run"), triggers=triggers)
        for _ in range(2)
    ]
    for trainer in both:
        trainer.until_stopped()
    for trainer in both:
        os.kill(trainer.pid, SIGCONT)
    for trainer in both:
        trainer.until_stopped()
    refused = [trainer for trainer in both if state(trainer.pid) == "Z"]
    assert len(refused) == 1
    code, output = refused[0].wait()
    assert code == 2
    assert "error[E0601]: another process is training in run: " in output
    killed(next(trainer for trainer in both if trainer not in refused))


def test_a_folder_that_is_moved_keeps_every_step(scenario: Scenario, stopped: Trainer) -> None:
    moved = scenario.folder / "elsewhere"
    (scenario.folder / "run").rename(moved)
    code, output = ended(stopped)
    assert code == 2, output
    assert (
        f"error[E0617]: the run folder run was moved to {moved} while this process trained in it; "
        in output
    )
    assert output.endswith(
        "a checkpoint of step 20 is saved; move it back, then run the same command again to resume\n"
    )
    assert "Traceback" not in output
    assert not (scenario.folder / "run").exists()
    assert max(checkpoint.steps(moved / "checkpoints")) == 20
    moved.rename(scenario.folder / "run")
    assert scenario.run("run")[0] == 0
    assert_same_result(scenario, "run")


@pytest.mark.parametrize("again", [False, True])
def test_a_folder_that_is_removed_is_not_made_anew(
    again: bool, scenario: Scenario, stopped: Trainer
) -> None:
    run = scenario.folder / "run"
    shutil.rmtree(run)
    if again:
        run.mkdir()
    code, output = ended(stopped)
    assert code == 2, output
    assert (
        "error[E0617]: the run folder run was removed while this process trained in it; its 20 steps are lost"
        in output
    )
    assert "Traceback" not in output
    assert list(run.iterdir()) == [] if again else not run.exists()


def test_a_link_is_the_folder_that_it_leads_to(scenario: Scenario) -> None:
    (scenario.folder / "run").symlink_to("real")
    code, output = scenario.run("run")
    assert code != 0
    assert "run is a link to something that does not exist" in output or "E05" in output
    (scenario.folder / "real").mkdir()
    triggers = [Trigger("step", 20, SIGSTOP)]
    trainer = scenario.server.start(scenario.folder, *scenario.command("run"), triggers=triggers)
    trainer.until_stopped()
    code, output = scenario.run("real")
    assert code == 2
    killed(trainer)
    assert "error[E0601]" in output


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


STRANGE: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link": lambda path: path.symlink_to("nothing"),
    "a socket": make_socket,
    "a device": lambda path: path.symlink_to("/dev/null"),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_lock_that_is_not_a_file_is_refused(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run").mkdir()
    STRANGE[what](Path("run/lock"))
    expected = r"^run/lock cannot be locked: .*; remove it$"
    with pytest.raises(UsageError, match=expected) as caught, record.locked(Path("run")):
        pass
    assert caught.value.code == "E0616"
    assert not Path("nothing").exists()


def test_a_folder_is_locked_once_in_one_process_too(tmp_path: Path) -> None:
    with (
        record.locked(tmp_path),
        pytest.raises(UsageError, match="another process is training in"),
        record.locked(tmp_path),
    ):
        pass
    with record.locked(tmp_path):
        pass


def test_a_lock_that_is_removed_is_made_anew(tmp_path: Path) -> None:
    """For other hosts, which see only the file."""
    with record.locked(tmp_path) as lock:
        (tmp_path / "lock").unlink()
        lock.check()
        assert str(os.getpid()) in (tmp_path / "lock").read_text(encoding="utf-8")
