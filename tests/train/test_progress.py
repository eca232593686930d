import json
import os
import pty
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from math import ceil
from pathlib import Path
from threading import Thread

import pytest

from resspec.training import trainer
from resspec.training.output.progress import shown
from tests.train.small import ALONE, job, tiny

WORDS = (
    r"epoch +\d+\.\d\d/1\.02  loss \d\.\d{4}  accuracy [ \d]{3}\.\d\d%  lr [\d.]+  [\d,]+ img/s  \d+% waiting for data"
    r"  \d+ s left"
)


def run(folder: Path, *settings: str) -> None:
    wanted = job(tiny(folder), "iterations=23", "log=1", *settings)
    trainer.train(
        trainer.planned(wanted, folder / "run", ALONE), folder / "run", show=shown(visible=True)
    )


def test_away_from_a_terminal_it_is_a_line_for_each_tenth(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(tmp_path)
    out, err = capsys.readouterr()
    assert out == ""
    *lines, test = err.splitlines()
    assert len(lines) == 10
    assert all(re.fullmatch(WORDS, line) for line in lines)
    assert re.fullmatch(r"step 23: test loss \d\.\d{4}  accuracy \d+\.\d\d%", test)


def test_tests_of_a_long_run_are_shown_as_often_as_its_training(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(tmp_path, "evaluate=1 iterations")
    lines = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("step") for line in lines) == 10
    assert sum(line.startswith("epoch") for line in lines) == 10


def test_a_short_run_is_logged_and_tested_in_each_epoch(tmp_path: Path) -> None:
    wanted = job(tiny(tmp_path), "epochs=2", "log=null")
    plan = trainer.planned(wanted, tmp_path / "run", ALONE)
    trainer.train(plan, tmp_path / "run", show=shown(visible=False))
    rows = [
        json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    assert [round(row["epoch"]) for row in rows if row["part"] == "test"] == [1, 2]
    assert {ceil(row["epoch"]) for row in rows if row["part"] == "train"} >= {1, 2}


def test_a_run_that_resumes_says_from_where(tmp_path: Path) -> None:
    wanted = job(tiny(tmp_path), "epochs=2")
    run = tmp_path / "run"
    plan = trainer.planned(wanted, run, ALONE)
    trainer.train(plan, run, show=shown(visible=False))
    (run / "result.json").unlink()
    said: list[str] = []
    trainer.train(plan, run, show=shown(visible=False), say=said.append)
    assert said == [f"resuming {run} from step {plan.steps} (epoch {plan.steps / 22.53125:.4g})"]


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    with terminal(monkeypatch) as shown_there:
        run(tmp_path)
    text = shown_there.getvalue().decode()
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "\n").strip().splitlines()[-1]
    assert re.match(r"━+[╺━]*━ epoch   (0\.98|1\.02)/1\.02 ", last)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[BytesIO]:
    """Make stderr a terminal, and gather what is written to it: the slower the run, the more often
    the bar is drawn, and a terminal that nobody reads holds a few kilobytes.
    """
    gathered = BytesIO()
    reader, writer = pty.openpty()
    reading = Thread(target=_gather, args=[reader, gathered])
    reading.start()
    try:
        with os.fdopen(writer, "w") as stream, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            yield gathered
    finally:
        reading.join()
        os.close(reader)


def _gather(reader: int, gathered: BytesIO) -> None:
    try:
        while part := os.read(reader, 1 << 16):
            gathered.write(part)
    except OSError:  # how Linux says that the other end is closed
        return
