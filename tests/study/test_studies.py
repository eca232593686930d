"""Studies resume after any end, and report what their runs measured."""

from __future__ import annotations

import csv
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from resspec import cli
from resspec.compiler import load
from resspec.study import page, pictures
from resspec.study.parts import StudyPart
from resspec.study.results import StudyResult
from tests.train.launch import Server, Trigger

SPEC = """
use he2015
network plain8 = cifar n=1, option=none, channels=1, image_size=8, width=4
network plain14 = cifar n=2, option=none, channels=1, image_size=8, width=4
network residual8 = cifar n=1, channels=1, image_size=8, width=4
network residual14 = cifar n=2, channels=1, image_size=8, width=4
"""
SETTINGS = [
    "--data",
    "digits",
    "--recipe",
    "digits",
    "--set",
    "iterations=6",
    "--set",
    "log=3",
]


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    spec = tmp_path / "nets.res"
    spec.write_text(SPEC, encoding="utf-8")
    return [
        "study",
        "degradation",
        "--plain",
        f"{spec}:plain8",
        f"{spec}:plain14",
        "--residual",
        f"{spec}:residual8",
        f"{spec}:residual14",
        *SETTINGS,
    ]


def test_a_study_resumes_after_sigkill_and_sigterm(
    command: list[str], server: Server, tmp_path: Path
) -> None:
    """Killed in its second run and stopped in its third, of six steps each."""
    out, whole = tmp_path / "out", tmp_path / "whole"
    to_out = [*command, "--out", str(out)]
    code, output = server.run(tmp_path, *to_out, triggers=[Trigger("step", 9)])
    assert code == -signal.SIGKILL, output
    first = out / "runs" / "plain-8-seed-0" / "result.json"
    made = first.stat().st_mtime_ns
    assert not (out / "README.md").exists()
    code, output = server.run(tmp_path, *to_out, triggers=[Trigger("step", 9, signal.SIGTERM)])
    assert code == 128 + signal.SIGTERM, output
    assert "still to be done" in (out / "README.md").read_text(encoding="utf-8")
    assert cli.run(to_out) == 0
    assert cli.run([*command, "--out", str(whole)]) == 0
    assert first.stat().st_mtime_ns == made
    assert (out / "points.csv").read_bytes() == (whole / "points.csv").read_bytes()
    for weights in whole.glob("runs/*/weights.safetensors"):
        assert weights.read_bytes() == (out / weights.relative_to(whole)).read_bytes()
    _is_whole(out)


def _is_whole(out: Path) -> None:
    text = (out / "README.md").read_text(encoding="utf-8")
    assert "still to be done" not in text and "plain: 14 layers have" in text
    for name in re.findall(r"\]\((.*?)\)", text):
        assert (out / name).is_file() and (out / name).with_suffix(".png").is_file()
    with (out / "results.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [(line["family"], line["layers"]) for line in lines] == [
        ("plain", "8"),
        ("plain", "14"),
        ("residual", "8"),
        ("residual", "14"),
    ]
    for line in lines:
        run = out / "runs" / f"{line['family']}-{line['layers']}-seed-0" / "result.json"
        facts = json.loads(run.read_text(encoding="utf-8"))
        assert float(line["test_error"]) == pytest.approx(
            100 * (1 - facts["correct"] / facts["total"]), abs=0.01
        )


def test_the_study_of_shortcuts_trains_every_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    small = ["--set", "n=1", "--set", "channels=1", "--set", "image_size=8", "--set", "width=4"]
    assert (
        cli.run(
            [
                "study",
                "shortcuts",
                *small,
                "--options",
                "A",
                "C",
                "none",
                "--seeds",
                "2",
                *SETTINGS,
                "--out",
                str(out),
            ]
        )
        == 0
    )
    shown, _ = capsys.readouterr()
    params = [line.split()[2] for line in shown.splitlines() if line.split()[1:2] == ["8"]]
    a, c, none = (int(number.replace(",", "")) for number in params)
    projections = (
        (4 * 4 + 2 * 4) + (4 * 8 + 2 * 8) + (8 * 16 + 2 * 16)
    )  # a 1x1 convolution with its norm, thrice
    assert a == none == c - projections
    assert (out / "options.svg").is_file() and len(list((out / "runs").iterdir())) == 6


def test_another_study_is_refused(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = [*command[:5], *SETTINGS, "--out", str(tmp_path / "out")]
    assert cli.run([*short[:4], *short[5:]]) == 0
    capsys.readouterr()
    assert cli.run([*short[:4], *short[5:], "--set", "lr=0.5"]) == 2
    output = capsys.readouterr().err
    assert (
        "contains another run" in output
        and "--out DIR chooses another folder" in output
        and "--run" not in output
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shortcuts", "--options", "A", "A"], "--options names `A` more than once"),
        (
            ["degradation", "--plain", "plain20", "--residual", "resnet20", "resnet20"],
            "--residual names `resnet20` more than once",
        ),
    ],
)
def test_one_network_twice(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["study", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_file_in_the_place_of_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert (
        cli.run(
            ["study", "shortcuts", "--data", "digits", "--out", str(tmp_path / "file" / "study")]
        )
        == 2
    )
    assert "cannot be a folder: a file is in the way" in capsys.readouterr().err


def result(family: str, depth: int, seed: int, test: float, spec: str = "plain20") -> StudyResult:
    rows: list[dict[str, Any]] = [
        {"step": step, "part": part, "loss": 1.0, "top1": 1 - test / 100}
        for step in (50, 100)
        for part in ("train", "test")
    ]
    return StudyResult(StudyPart(family, load(spec), depth, seed), rows, test, test, 1, 1, 0.1)


def test_gaps_by_hand() -> None:
    found = [
        result("plain", 20, 0, 10.0),
        result("plain", 56, 0, 30.0),
        result("plain", 20, 1, 12.0),
        result("plain", 56, 1, 28.0),
        result("residual", 20, 0, 9.0),
        result("residual", 56, 0, 10.0),
        result("residual", 20, 1, 9.0),
        result("residual", 56, 1, 8.0),
        result("plain", 20, 2, 99.0),
    ]
    assert page.gaps_by_family(found) == {
        "plain": (20, 56, [20.0, 16.0]),
        "residual": (20, 56, [1.0, -1.0]),
    }
    assert list(page.gap_lines(found)) == [
        "- plain: 56 layers have +18.00 points of test error against 20 layers (2 seeds: +16.00 … +20.00).",
        "- residual: 56 layers have +0.00 points of test error against 20 layers (2 seeds: -1.00 … +1.00).",
        "- The plain gap is +18.00 points larger than the residual one, more than either spreads over the seeds (4.00).",
    ]


@pytest.mark.usefixtures("complete")
def test_published_figures_stand_in_table_and_picture(tmp_path: Path) -> None:
    from resspec.commands.study import _published

    found = [
        result("residual", 20, 0, 9.0, "resnet20"),
        result("residual", 56, 0, 7.5, "resnet56"),
        result("plain", 20, 0, 9.5),
    ]
    known = _published(found, "cifar-10", "cifar-he2015")
    assert (
        known == {("residual", 20): 8.75, ("residual", 56): 6.97}
        and _published(found, "cifar-10", "digits") == {}
    )
    assert _published(found, "fashion-mnist", "cifar-he2015") == {}
    pictures.over_depth(found, known, tmp_path)
    assert "residual, published" in (tmp_path / "depth.svg").read_text(encoding="utf-8")
    text = page.degradation(found, known, [])
    assert "8.75" in text and "6.97" in text and "Table 6" in text
