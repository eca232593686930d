import os
import pty
import re
import sys
from pathlib import Path

import pytest

from resspec.train import trainer
from resspec.train.progress import duration, shown
from tests.train.small import ALONE, job, tiny

WORDS = (r"epoch +\d+\.\d\d/1\.02  loss \d\.\d{4}  accuracy [ \d]{3}\.\d\d%  rate [\d.]+  [\d,]+ img/s  waiting \d+%"
         r"  \d+ s left")


def run(folder: Path, *settings: str) -> None:
    wanted = job(tiny(folder), "duration=23 iterations", "log=1", *settings)
    trainer.train(trainer.planned(wanted, folder / "run", ALONE), folder / "run", show=shown(visible=True))


def test_away_from_a_terminal_it_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run(tmp_path)
    out, err = capsys.readouterr()
    assert out == ""
    *lines, test = err.splitlines()
    assert len(lines) == 10
    assert all(re.fullmatch(WORDS, line) for line in lines)
    assert re.fullmatch(r"step 23: test loss \d\.\d{4}  accuracy \d+\.\d\d%", test)


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("COLUMNS", "160")
        run(tmp_path)
        terminal.flush()
        text = os.read(reader, 1 << 16).decode()
    os.close(reader)
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "\n").strip().splitlines()[-1]
    assert re.match(r"━+[╺━]*━ epoch   (0\.98|1\.02)/1\.02 ", last)


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.6, "1:00"), (185, "3:05"), (39751, "11:02:31"),
                                                (float("nan"), "?")])
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
