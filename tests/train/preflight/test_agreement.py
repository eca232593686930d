"""Processes that were asked for different things say so, before the first step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.train.launch import Server
from tests.train.preflight.folders import job, plain

TEXT = Path(__file__).parents[2] / "diagnostics" / "preflight" / "E0534.txt"
TRAIN = ["train", "tiny.res", "--recipe", "tiny.yaml", "--run", "r"]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (["--data", "d", "--seed", "1"], "process 1: seed is 1, but 0 in process 0"),
        (
            ["--data", "d", "--set", "lr=0.2"],
            "process 1: recipe.optimizer.lr is 0.2, but 0.1 in process 0",
        ),
        (["--data", "other"], "process 1: data."),
        (["--data", "d", "--run", "q"], "process 1: run folder is q, but r in process 0"),
        (["--data", "d", "--full-check"], "process 1: full check is True, but False in process 0"),
        (["--data", "d", "--plan"], "process 1: plan only is True, but False in process 0"),
    ],
)
def test_processes_that_differ(own: list[str], message: str, server: Server, here: Path) -> None:
    job(here, plain(here / "d"))
    plain(here / "other", (41, 48))
    run = [] if "--run" in own else ["--run", "r"]
    both = [["--data", "d", "--run", "r"], [*own, *run]]
    trainers = server.together(2, here, *TRAIN[:-2], own=both)
    ends = [trainer.wait() for trainer in trainers]
    assert [code for code, _ in ends] == [2, 2]
    assert all("error[E0534]" in text and message in text for _, text in ends), ends
    assert not (here / "r").exists()


def test_the_text(server: Server, here: Path, request: pytest.FixtureRequest) -> None:
    job(here, plain(here / "d"))
    trainers = server.together(
        2, here, *TRAIN, "--data", "d", own=[[], ["--seed", "1", "--set", "lr=0.2"]]
    )
    text, _ = [trainer.wait()[1] for trainer in trainers]
    if request.config.getoption("--update"):
        TEXT.write_text(text, encoding="utf-8", newline="")
    assert text == TEXT.read_text(encoding="utf-8")
