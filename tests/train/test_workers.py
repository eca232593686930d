"""Workers that are killed or stopped: told by their process, soon, and nothing hangs."""

import os
import re
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP
from time import monotonic

import pytest
import torch

from resspec.diagnostics import UsageError
from resspec.train.data import Draw, folder, load
from resspec.train.recipe import Test
from tests.train.crash import Course, assert_same, content, draw_pictures
from tests.train.launch import Moment, Server


def test_a_worker_that_is_killed(server: Server, tmp_path: Path) -> None:
    course = Course(server, tmp_path, "pictures", 2)
    trainer = server.start(tmp_path, *course.command("run"), moments=[Moment("step", 8, SIGSTOP)])
    trainer.until_stopped()
    worker = trainer.children[0]
    os.kill(worker, SIGKILL)
    start = monotonic()
    os.kill(trainer.pid, SIGCONT)
    code, told = trainer.wait()
    assert monotonic() - start < 30
    assert code == 2
    assert re.search(rf"a process that reads images failed: .*\b{worker}\b", told), told
    assert "Traceback" not in told
    assert course.run("run")[0] == 0
    assert_same(course.whole, content(tmp_path / "run"))


def test_a_worker_that_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from multiprocessing import active_children

    assert folder.PATIENCE < 30
    monkeypatch.setattr(folder, "PATIENCE", 2)
    draw_pictures(tmp_path)
    draws = [Draw(torch.arange(i, i + 2), torch.arange(2)) for i in range(30)]
    batches = load(str(tmp_path)).train.batches(draws, view=Test(resize=9, crop=8), device=torch.device("cpu"), workers=2)
    next(batches)
    worker, _ = active_children()
    os.kill(worker.pid or 0, SIGSTOP)
    with pytest.raises(UsageError, match=rf"a process that reads images failed: .*\b{worker.pid}\b"):
        list(batches)
    assert not active_children()
