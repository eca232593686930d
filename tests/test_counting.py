"""docs/counting.md: its figures are those of the report; and how `--like` is asked for."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from resspec.backends.report import report
from resspec.backends.report.table import to_table
from resspec.cli import run
from resspec.compiler import load
from resspec.ir.tools import TOOLS
from resspec.passes.like import like
from resspec.passes.measure import measure

PAGE = (Path(__file__).parents[1] / "docs" / "counting.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.splitlines()
    if line.startswith("|")
]
TOTALS = ROWS[2 : 2 + len(TOOLS)]
HEADING, _, *LAYERS = ROWS[2 + len(TOOLS) : -7]
_, _, *FIELDS = ROWS[-7:]


def test_resnet50() -> None:
    network = load("torchvision/resnet50")
    assert [row[0] for row in TOTALS] == list(TOOLS)
    for tool, version, total, adds in TOTALS:
        found = like(network, tool)
        terms = ", ".join(f"{label} {value:,}" for label, value in found.bridge[1:])
        assert (version, total, adds) == (found.version, f"{found.total:,}", terms or "nothing")


@pytest.mark.parametrize("row", LAYERS, ids=lambda row: row[0])
def test_what_each_adds_for_a_layer(row: list[str], tmp_path: Path) -> None:
    layer, *cells = row
    chain = layer.strip("`").replace("\\|", "|").replace("gn", "gn 2")
    path = tmp_path / "n.res"
    path.write_text(
        f"network n {{ input 4x8x8; stem {'to_last -> ' * (chain == 'ln')}{chain} }}",
        encoding="utf-8",
    )
    network = load(path)
    for tool, cell in zip(HEADING[1:], cells, strict=True):
        total = like(network, tool).total
        expected = (
            measure(network).params
            if cell == "parameters"
            else _number(cell) * network.input.elements
        )
        assert total == expected, tool


def _number(cell: str) -> Fraction:
    """`2`, `1 / 4`, `1 + 1 / 64`, and `–` for none."""
    return (
        sum((Fraction(term.replace(" ", "")) for term in cell.split("+")), Fraction(0))
        if cell != "–"
        else Fraction(0)
    )


def test_the_report_that_is_shown() -> None:
    shown = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert to_table(report(load("torchvision/resnet50"), like="fvcore")).endswith(shown[0])


def test_what_the_command_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    for option, value in (("--like", "fvcore"), ("--memory", "8GB")):
        assert run(["report", "resnet18", option, value, "--format", "csv"]) == 2
        assert f"cannot show {option}" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run(["report", "resnet18", "--like", "fvcor"])
    assert "did you mean fvcore?" in capsys.readouterr().err


def test_receptive_fields() -> None:
    rows = report(load("torchvision/resnet50")).rows
    fields = [(row.label, row.field) for row in rows if row.field]
    shown = [[label, str(seen.size[0]), str(seen.stride[0])] for label, seen in fields[:5]]
    assert shown == FIELDS


def test_figures_of_parameters() -> None:
    network = load("torchvision/resnet50")
    headless = measure(network).params - 1000 * 2049
    with_biases = like(network, "keras").total + 26_560
    for figure in (headless, with_biases):
        assert f"{figure:,}" in PAGE


def test_figures_in_the_text() -> None:
    convnext = load("torchvision/convnext_tiny")
    paper = load("resnet50")
    figures = {measure(convnext).macs, like(convnext, "torchinfo").total, measure(paper).macs}
    stated = set(re.findall(r"\d[\d,]{9,}", PAGE)) - {row[2] for row in TOTALS}
    assert {f"{figure:,}" for figure in figures} <= stated
