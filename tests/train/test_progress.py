import os
import pty
import re
import sys

import pytest

from resspec.train.progress import shown


def steps_of(count: int) -> None:
    with shown(epochs=4, steps=count, visible=True) as show:
        for step in range(1, count + 1):
            show(step, 1 / step, step / count)


def test_away_from_a_terminal_it_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    steps_of(200)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 10
    assert all(re.fullmatch(r"epoch   \d/4  loss \d\.\d{4}  accuracy [ \d]{3}\.00%  \d+ s left", line) for line in lines)
    assert lines[4].startswith("epoch   2/4  loss 0.0100  accuracy  50.00%")
    assert lines[9] == "epoch   4/4  loss 0.0050  accuracy 100.00%  0 s left"


def test_few_steps_give_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    steps_of(3)
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_on_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("COLUMNS", "100")
        steps_of(200)
        terminal.flush()
        text = os.read(reader, 1 << 16).decode()
    os.close(reader)
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).replace("\r", "\n").strip().splitlines()[-1]
    assert re.fullmatch(r"epoch   4/4 ━+ loss 0\.0050  accuracy 100\.00%  0:00:00 in all", last)


def test_it_can_be_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(epochs=1, steps=1, visible=False) as show:
        show(1, 1.0, 1.0)
    assert capsys.readouterr().err == ""
