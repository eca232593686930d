"""Workers that are killed or stopped: told by their process, soon, and nothing hangs."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from multiprocessing.reduction import DupFd
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, pause
from time import monotonic, sleep

import pytest
import torch

from resspec.diagnostics import UsageError
from resspec.training.data import IndexBatch, load, workers
from resspec.training.recipes.images import TestTransform
from tests.limits import HANGS
from tests.train.crash import Scenario, assert_same_files, draw_pictures, read_files
from tests.train.launch import ROOT, Server, Trigger, state


@pytest.mark.parametrize("seen", [True, False])
def test_a_worker_that_is_killed(seen: bool, server: Server, tmp_path: Path) -> None:
    """Dead before its trainer goes on, in the midst of a step; or perhaps while that takes a batch
    from it.
    """
    scenario = Scenario(server, tmp_path, "pictures", 2)
    trainer = server.start(
        tmp_path, *scenario.command("run"), triggers=[Trigger("step", 8, SIGSTOP)]
    )
    trainer.until_stopped()
    worker = trainer.children[0]
    os.kill(worker, SIGKILL)
    while seen and state(worker) != "Z":
        sleep(0.002)
    start = monotonic()
    os.kill(trainer.pid, SIGCONT)
    code, output = trainer.wait()
    assert monotonic() - start < HANGS
    assert code == 2
    assert re.search(rf"a DataLoader worker failed: .*\b{worker}\b", output), output
    assert "Traceback" not in output
    assert scenario.run("run")[0] == 0
    assert_same_files(scenario.reference, read_files(tmp_path / "run"))


def test_a_worker_that_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from multiprocessing import active_children

    assert workers.PATIENCE < 30
    draw_pictures(tmp_path)
    draws = [IndexBatch(torch.arange(i, i + 2), torch.arange(2)) for i in range(30)]
    batches = load(str(tmp_path)).train.batches(
        draws, transform=TestTransform(resize=9, crop=8), device=torch.device("cpu"), workers=2
    )
    next(batches)  # workers that start take their time
    monkeypatch.setattr(workers, "PATIENCE", 2)
    worker, _ = active_children()
    os.kill(worker.pid or 0, SIGSTOP)
    with pytest.raises(UsageError, match=rf"a DataLoader worker failed: .*\b{worker.pid}\b"):
        list(batches)
    assert not active_children()


def waiting_while_stopped(pipe: Connection) -> None:
    """Stopped, as by Ctrl-Z, for longer than it has patience with a worker, which was stopped too."""

    def batches() -> Iterator[int]:
        os.kill(os.getpid(), SIGSTOP)
        yield 1

    pipe.send(workers._next(batches(), patience=0.25))  # type: ignore[arg-type]


def test_patience_is_not_lost_while_all_processes_are_stopped() -> None:
    ours, theirs = Pipe()
    process = Process(target=waiting_while_stopped, args=[theirs])
    process.start()
    while state(process.pid or 0) != "T":
        sleep(0.002)
    sleep(0.5)
    os.kill(process.pid or 0, SIGCONT)
    process.join()
    assert process.exitcode == 0
    assert ours.recv() == 1


BROKEN = """
import sys
from resspec.commands import parser, train
from resspec.training.steps.step import Learner
Learner.learn = lambda *_: 1 / 0
train.run(parser().parse_args(sys.argv[1:]))
"""


def test_an_unforeseen_error_ends_the_trainer_and_its_workers(
    server: Server, tmp_path: Path
) -> None:
    """Its traceback holds the loader of images, whose workers hear no request to end, where Python
    shows it last of all.
    """
    command = [
        sys.executable,
        "-c",
        BROKEN,
        *Scenario(server, tmp_path, "pictures", 2).command("run"),
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 1
    assert "\nZeroDivisionError: division by zero\n" in done.stderr
    assert done.stderr.endswith("\n  the traceback is in run/crash.txt; please report it\n")


def test_a_worker_whose_end_is_told_is_dead() -> None:
    """Its connections close a moment before: at once, every second one is still taken for alive."""
    for _ in range(30):
        worker = Process(target=pause)
        worker.start()
        worker.kill()
        workers._wait_for_a_death({worker})
        assert not worker.is_alive()


def hand_over(pipe: Connection) -> None:
    """What a worker does for each batch: it serves a file descriptor to whoever connects."""
    workers._start_worker(0)
    with Path(os.devnull).open("rb") as file:
        pipe.send(DupFd(file.fileno()))
        pipe.recv()


def test_a_trainer_that_ends_while_it_takes_a_batch_is_no_news(
    capfd: pytest.CaptureFixture[str],
) -> None:
    ours, theirs = Pipe()
    worker = Process(target=hand_over, args=[theirs])
    worker.start()
    shared = ours.recv()
    with socket.socket(socket.AF_UNIX) as hung_up:
        hung_up.connect(shared._id[0])
    os.close(shared.detach())
    ours.send(None)
    worker.join()
    assert worker.exitcode == 0
    assert capfd.readouterr().err == ""
