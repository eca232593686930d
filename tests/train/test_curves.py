"""Pictures and tables of runs: what they show, and that the same run gives the same bytes."""

import csv
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import torch
from PIL import Image

from resspec.cli import run as cli
from resspec.diagnostics import UsageError
from resspec.training.output.curves import Curve, apart, draw, draw_confusion
from resspec.training.run import compare, record
from tests.train.small import begun

pytestmark = pytest.mark.usefixtures("complete")


def rows(epochs: int = 3, error: float = 0.2) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for epoch in range(1, epochs + 1):
        row = {
            "step": 10 * epoch,
            "epoch": float(epoch),
            "lr": 0.1,
            "loss": 1 / epoch,
            "top1": 1 - error / epoch,
        }
        found += [
            {**row, "part": "train", "top5": None},
            {**row, "part": "test", "top5": 0.99, "lr": None},
        ]
    return found


def recorded(folder: Path, error: float = 0.2, epochs: int = 3) -> Path:
    folder.mkdir(parents=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows(epochs, error))
    (folder / "metrics.jsonl").write_text(lines)
    timings = ({"step": 10, "seconds": 60.0}, {"step": 30, "seconds": 3723.4})
    (folder / "timings.jsonl").write_text("".join(json.dumps(timing) + "\n" for timing in timings))
    return begun(folder)


def texts(path: Path) -> list[str]:
    """What a picture says."""
    return [
        element.text or "" for element in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_a_runs_curves_are_a_png_and_an_svg_that_says_what_they_are(tmp_path: Path) -> None:
    png, svg = draw([Curve("small on digits", rows())], tmp_path)
    with Image.open(png) as image:
        assert image.size == (1500, 600)
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 50
    assert {
        "small on digits",
        "loss",
        "top-1 error, %",
        "epoch",
        "train",
        "test",
    } <= set(texts(svg))
    assert "held out" not in texts(svg)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again = (draw([Curve("a", rows())], tmp_path / name) for name in ("first", "again"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert (
        draw([Curve("a", rows(error=0.3))], tmp_path / "other")[0].read_bytes()
        != first[0].read_bytes()
    )


def test_a_value_that_is_no_number_leaves_a_gap(tmp_path: Path) -> None:
    broken = [*rows(), {**rows()[0], "epoch": 4.0, "loss": float("nan")}]
    assert draw([Curve("a", broken)], tmp_path)


def test_nothing_measured_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was measured yet"):
        draw([Curve("a", [])], tmp_path)


def test_labels_stand_apart_and_near_their_curves() -> None:
    assert apart([1.0, 5.0, 9.0], 1.0) == [1.0, 5.0, 9.0]
    assert apart([2.0, 2.0, 2.0], 1.0) == [1.0, 2.0, 3.0]
    assert apart([1.0, 1.5, 2.2, 9.0], 1.0) == pytest.approx(
        [0.5667, 1.5667, 2.5667, 9.0], abs=1e-3
    )
    found = apart(sorted(torch.rand(30, generator=torch.Generator().manual_seed(0)).tolist()), 0.02)
    assert all(b - a > 0.0199 for a, b in pairwise(found))


def test_a_confusion_matrix_is_a_table_and_a_picture(tmp_path: Path) -> None:
    counts = torch.tensor([[7, 2, 0], [0, 5, 1], [3, 0, 9]])
    table, _, svg = draw_confusion(counts, ("cat", "cow", "dog, wild"), tmp_path)
    with table.open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["", "cat", "cow", "dog, wild"]
    assert lines[1:] == [
        ["cat", "7", "2", "0"],
        ["cow", "0", "5", "1"],
        ["dog, wild", "3", "0", "9"],
    ]
    assert sorted(text for text in texts(svg) if text.isdigit()) == ["1", "2", "3", "5", "7", "9"]
    assert "21 of 27 correct" in texts(svg)
    assert draw_confusion(
        torch.eye(100, dtype=torch.int64), tuple(map(str, range(100))), tmp_path / "many"
    )


ODD = (
    "$x^2_$ {%}",
    "$",
    "a$b",
    "\\$",
    "new\nline",
    "\x1b[31m",
    "猫",
    "שלום",
    "x" * 300,
    "caf\\xe9",
    "_^{}",
    "#%&~",
)


def test_names_of_every_kind_are_drawn_as_they_are(tmp_path: Path) -> None:
    """No formula, no second line, no character that a terminal would obey; warnings are errors
    here.
    """
    _, _, svg = draw_confusion(torch.eye(len(ODD), dtype=torch.int64), ODD, tmp_path)
    wanted = {
        "$x^2_$ {%}",
        "$",
        "a$b",
        "\\$",
        "new<U+000A>line",
        "<U+001B>[31m",
        "x" * 39 + "…",
        "_^{}",
        "#%&~",
    }
    assert wanted <= set(texts(svg))
    _, svg = draw([Curve(name, rows()) for name in ODD], tmp_path)  # in a legend
    assert wanted <= set(texts(svg))
    for name in ("$x^2_$ {%}", "\\$", "new\nline", "#%&~"):  # in a title
        _, svg = draw([Curve(name, rows())], tmp_path)
    assert "#%&~" in texts(svg)


def test_runs_are_compared_in_a_table_and_one_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [recorded(tmp_path / name / "run", error) for name, error in (("a", 0.2), ("b", 0.3))]
    assert cli(["compare", *map(str, folders), "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert re.split(r"\s{2,}", lines[0])[:4] == ["run", "network", "hash", "data"]
    assert lines[2].split()[:6] == ["a/run", "small", "01234567", "digits", "4", "30"]
    assert re.split(r"\s{2,}", lines[0])[6:] == [
        "train loss",
        "part",
        "loss",
        "top-1 error",
        "top-5 error",
        "time",
    ]
    assert lines[2].split()[6:] == ["0.3333", "test", "0.3333", "6.67%", "1.00%", "1:02:03"]
    assert lines[3].split()[9] == "10.00%"
    assert err.startswith("wrote ")
    assert {"a/run", "b/run"} <= set(texts(tmp_path / "out" / "compare.svg"))


def test_the_end_of_a_run_counts_more_than_its_last_row(tmp_path: Path) -> None:
    folder = recorded(tmp_path / "a")
    test = {"images": "11", "transform": {}}
    record.end(
        folder,
        {
            "loss": 0.1,
            "top1": 0.95,
            "top5": 1.0,
            "correct": 19,
            "total": 20,
            "weights": "00",
            "test": test,
        },
    )
    assert "5.00%" in compare.to_table([compare.load(folder)], 80, color=False)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{tmp_path} does not contain a run"):
        compare.load(tmp_path)
