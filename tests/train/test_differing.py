"""What differs between runs, in a short table under the one of what they reached."""

import re
from pathlib import Path
from typing import Any

import pytest

from resspec import cli
from resspec.training.run import differing
from tests.train.small import begun, tiny, train


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line.strip())


def test_what_differs_stands_under_the_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ("iterations=2", "log=1")
    train(tiny(here), here / "a", *common)
    train(
        tiny(here),
        here / "b",
        *common,
        "lr=0.2",
        "ema.decay=0.9",
        "schedule={name: linear}",
        seed=1,
    )
    assert cli.run(["compare", "a", "b"]) == 0
    out = capsys.readouterr().out.splitlines()
    table = out[out.index("") + 1 :]
    assert cells(table[0]) == ["differs", "a", "b"]
    assert [cells(line) for line in table[2:]] == [
        ["seed", "0", "1"],
        ["optimizer.lr", "0.1", "0.2"],
        ["schedule.name", "cosine", "linear"],
        ["ema", "null", "–"],
        ["ema.decay", "–", "0.9"],
        ["ema.every", "–", "1"],
    ]


def test_runs_that_are_alike_differ_in_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        begun(here / name)
    assert cli.run(["compare", "a", "b"]) == 0
    assert "differs" not in capsys.readouterr().out
    assert cli.run(["compare", "a"]) == 0
    assert "differs" not in capsys.readouterr().out


def facts(**recipe: Any) -> dict[str, Any]:
    return {
        "network": "n",
        "hash": "2" * 64,
        "seed": 0,
        "steps": 1000,
        "recipe": recipe,
        "machine": {"device": "cpu"},
        "data": {"name": "d", "classes": ["cat"], "train": "0" * 64, "test": "1" * 64},
        "changes": [],
    }


def test_of_many_runs_the_values_are_counted() -> None:
    runs = [facts(lr=0.1 if i < 8 else 0.3) for i in range(9)]
    table = differing.to_table([f"r{i}" for i in range(9)], runs, 80, color=False)
    assert [cells(line) for line in table.splitlines()[2:]] == [["lr", "0.1 (×8), 0.3"]]


def test_many_and_long_differences_are_cut() -> None:
    one, other = ({f"k{i}": side * 100 for i in range(30)} for side in "ab")
    lines = differing.to_table(
        ["a", "b"], [facts(**one), facts(**other)], 80, color=False
    ).splitlines()
    assert len(lines) == 2 + differing.MOST + 1
    assert lines[-1].strip() == "… and 10 more"
    assert max(map(len, lines)) < 110
    odd = differing.to_table(
        ["\x1b[31m", "b"], [facts(k="\n\udcff"), facts(k=None)], 80, color=False
    )
    assert odd.splitlines()[2].split() == ["k", "<U+000A><U+DCFF>", "null"]


def test_networks_data_and_machines_are_told_by_name() -> None:
    other = {**facts(), "network": "m", "hash": "3" * 64, "machine": {"device": "cuda"}}
    other["weights"] = {"sha256": "4" * 64}
    other["data"] = {**other["data"], "classes": ["cat", "dog"], "test": "5" * 64}
    lines = differing.to_table(["a", "b"], [facts(), other], 80, color=False).splitlines()
    assert [cells(line) for line in lines[2:]] == [
        ["network", "n", "m"],
        ["network hash", "22222222", "33333333"],
        ["classes", "cat", "cat, dog"],
        ["test images", "11111111", "55555555"],
        ["starts from", "random weights", "weights 44444444"],
        ["machine.device", "cpu", "cuda"],
    ]
