"""The forms of a report: summaries, the table and its views, CSV and Markdown."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import torch
import torchvision
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from resspec.backends.report import Report, report, several
from resspec.backends.report.markdown import to_markdown
from resspec.backends.report.sheet import to_csv, totals_to_csv
from resspec.backends.report.table import figure, to_table
from resspec.backends.report.views import ReportRow, View
from resspec.backends.summary import summary
from resspec.backends.table import rounded
from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.ir.quantities import QUANTITIES, Conditions
from resspec.opening import shipped_names
from resspec.passes.quantities import SUMS

TABLE = Path(__file__).parents[1] / "golden" / "report" / "digits.txt"


@pytest.fixture(scope="module")
def resnet152() -> Report:
    return report(load("resnet152"))


@pytest.mark.parametrize(
    ("chain", "line"),
    [
        ("identity", "identity"),
        ("conv 3x3, 8, /2", "conv 3x3, 8, /2"),
        ("conv 1x3, 8 -> dropout 0.5 -> gn 4", "conv 1x3, 8 → dropout → gn 4"),
        ("avgpool to=3x3", "avgpool to=3x3"),
        ("3 x { conv 3x3, 8 -> relu }", "3 × (conv 3x3, 8 → relu)"),
        ("conv 3x3, 8 -> relu -> 2 x { conv 3x3, 8 -> relu }", "3 × (conv 3x3, 8 → relu)"),
        (
            "conv 3x3, 8 -> bn -> relu -> conv 3x3, 8 -> bn -> relu -> bn",
            "2 × (conv 3x3, 8 → bn → relu) → bn",
        ),
        ("bn -> bn -> bn -> relu", "3 × bn → relu"),
        ("2 x { 3 x relu }", "6 × relu"),
        ("add { conv 3x3, 4 | conv 1x1, 4 }", "add of 2 paths"),
        (
            "2 x { conv 1x1, 5 -> conv 1x1, 4 -> 2 x b 4 }",
            "2 × (conv 1x1, 5 → conv 1x1, 4 → 2 × b)",
        ),
        ("b 4 -> b 8 -> b 16", "3 × b"),
        (
            " -> ".join(f"conv 1x1, {i}" for i in range(1, 31)),
            "conv 1x1, 1 → conv 1x1, 2 → conv 1x1, 3 → conv 1x1, 4 → conv 1x1, 5 → … 23 more … → conv 1x1, 29 → conv 1x1, 30",
        ),
    ],
)
def test_a_section_is_summarized_in_one_line(chain: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    path.write_text(
        f"block b(w) {{ conv 1x1, w }}\nnetwork n {{ input 4x8x8; stage s: {chain}; head fc 2 }}",
        encoding="utf-8",
    )
    assert summary(load(path).sections[0].located) == line


def size(text: str) -> float:
    number, unit = text.rstrip("KMGTPE"), text[-1]
    return float(number) * 1e3 ** " KMGTPE".index(unit if unit.isalpha() else " ")


@given(st.integers(0, 10**20))
@example(9_999)
@example(999_499)
@example(999_500)
@example(99_949_999)
@example(999_999_999)
def test_rounded(value: int) -> None:
    text = rounded(value)
    assert abs(size(text) - value) <= value * 0.005
    assert len(text) <= 5
    assert text[-1].isalpha() or text == str(value)


@given(st.integers(0, 10**20), st.integers(0, 10**20))
def test_rounded_figures_keep_their_order(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert size(rounded(low)) <= size(rounded(high))


def test_the_table_of_digits_is_exact(request: pytest.FixtureRequest) -> None:
    found = report(load("digits"))
    text = to_table(found).replace(found.hash[:16], "{hash}")
    if request.config.getoption("--update"):
        TABLE.write_text(text, encoding="utf-8")
    assert text == TABLE.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [20, 80, 81, 100, 109, 110, 200])
def test_the_table_fits_the_width_of_the_terminal(width: int, resnet152: Report) -> None:
    wide = ReportRow(
        "features.denseblock1.denselayer1..",
        "conv 日本 " * 30,
        "2048x1024x1024",
        1,
        dict.fromkeys(SUMS, 10**15),
        None,
    )
    found = resnet152._replace(rows=(*resnet152.rows, wide))
    lines = to_table(found, width=width).splitlines()
    assert max(map(cell_len, lines)) <= max(width, 80)
    assert sum("1.00P" in line for line in lines) == 1
    assert any("60,192,808" in line for line in lines)


@pytest.mark.parametrize("name", ["resnet50", "regnet_y_400mf", "densenet121"])
def test_a_path_that_is_cut_still_ends_in_its_layer(name: str) -> None:
    found = report(load(name), by="op")
    shown = [line.split("  ")[0] for line in to_table(found).splitlines()[4:]]
    for row, label in zip(found.rows, shown, strict=False):
        assert row.label.endswith(label.removeprefix("…"))
        assert label.endswith(row.label.rpartition(".")[2])


def test_table_says_nothing_to_the_terminal(resnet152: Report) -> None:
    row = resnet152.rows[0]._replace(label="\x1b[31m[red]", holds="a\nb\x07\u202e")
    text = to_table(resnet152._replace(network="\x1b]0;x\x07", rows=(row,)), width=200)
    assert all(line.isprintable() for line in text.split("\n"))
    assert "<U+001B>[31m[red]" in text
    assert "a<U+000A>b<U+0007><U+202E>" in text


def test_colour_is_all_that_colour_adds(resnet152: Report) -> None:
    plain = to_table(resnet152, width=120)
    coloured = to_table(resnet152, width=120, color=True)
    assert coloured != plain
    stripped = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in coloured.splitlines()]
    assert stripped == plain.splitlines()


def test_blocks_and_layers_of_resnet50() -> None:
    """By block, equal ones in one row; by layer, every module of torchvision's, and the sums."""
    network = load("torchvision/resnet50")
    blocks = {row.label: row for row in report(network, by="block").rows}
    assert [
        (label, row.repeats) for label, row in blocks.items() if row.label.startswith("layer3")
    ] == [("layer3.0", 1), ("layer3.1..5", 5)]
    with torch.device("meta"):
        module = torchvision.models.resnet50()
    for label, path, turns in (
        ("layer3.0", "layer3.0", 1),
        ("layer3.1..5", "layer3.1", 5),
        ("fc", "fc", 1),
    ):
        assert blocks[label].figures["params"] == turns * sum(
            p.numel() for p in module.get_submodule(path).parameters()
        )
    layers = {row.label: row for row in report(network, by="op").rows}
    assert (
        layers["layer3.1..5.conv2"].figures["params"]
        == 5 * module.get_submodule("layer3.3.conv2").weight.numel()
    )
    assert (layers["layer3.1..5"].holds, layers["layer3.1..5"].repeats) == ("add of 2 paths", 5)
    assert "× 5" in to_table(report(network, by="op"), width=120)


def test_batch_and_type_change_bytes_alone() -> None:
    network = load("resnet18")
    one, many = report(network), report(network, at=Conditions(32, "bfloat16", "adamw"))
    changed = {name for name in QUANTITIES if one.totals[name] != many.totals[name]}
    assert changed == {name for name, quantity in QUANTITIES.items() if quantity.unit == "bytes"}
    assert changed == {name for name, quantity in QUANTITIES.items() if quantity.takes}


@pytest.mark.parametrize("by", ["stage", "block", "op"])
@pytest.mark.parametrize("batch", [10**9, 10**18 - 1])
def test_no_figure_is_cut_however_large(batch: int, by: View) -> None:
    found = report(load("resnet20"), at=Conditions(batch), by=by)
    text = to_table(found)
    assert max(map(cell_len, text.splitlines())) <= 80
    for name in QUANTITIES:
        assert f"{found.totals[name]:,}" in text.split()
    for row in found.rows:
        assert any(
            figure("saved_bytes", row.figures["saved_bytes"]) in line.split()
            for line in text.splitlines()
        )


def test_a_frozen_section_must_be_there() -> None:
    with pytest.raises(
        UsageError, match="resnet18 has no section 'layr1' to freeze; did you mean 'layer1'"
    ):
        report(load("resnet18"), at=Conditions(frozen=frozenset(["layr1"])))


def test_csv_has_a_row_for_each_layer_and_one_for_all() -> None:
    found = report(load("resnet18"), by="op")
    *rows, total = csv.DictReader(to_csv(found).splitlines())
    assert [row["label"] for row in rows] == [row.label for row in found.rows]
    assert total["label"] == "total"
    for name in ("params", "macs", "saved_bytes"):
        assert sum(int(row[name]) for row in rows) == int(total[name]) == found.totals[name]


def test_markdown_has_a_table_and_the_totals() -> None:
    text = to_markdown(report(load("resnet18"), memory=24 * 10**9))
    lines = text.splitlines()
    assert lines[0].startswith("**resnet18**, input 3x224x224, hash `")
    assert [line.count("|") for line in lines if line.startswith("|")][:8] == [10] * 8
    assert "| `macs` | 1,794,805,760 |" in lines
    assert any(line.startswith("The largest batch for training in 24.0 GB is ") for line in lines)


def test_several_reports_stand_side_by_side() -> None:
    names = ["resnet18", "torchvision/resnet18"]
    reports = [report(load(name)) for name in names]
    table = several.to_table(reports, names).splitlines()
    assert table[0].split() == names
    assert ["params", "11,515,688", "11,689,512"] in [line.split() for line in table]
    assert (
        "| params | 11,515,688 | 11,689,512 |" in several.to_markdown(reports, names).splitlines()
    )
    rows = list(csv.DictReader(totals_to_csv(reports, names).splitlines()))
    assert [(row["spec"], row["params"]) for row in rows] == [
        (names[0], "11515688"),
        (names[1], "11689512"),
    ]


def test_what_several_were_counted_for_stands_beside_them() -> None:
    names = ["resnet18", "resnet34"]
    at = Conditions(8, "bfloat16", "adamw", frozenset(["stem", "layer1"]))
    reports = [report(load(name), at=at, memory=8 * 10**9) for name in names]
    rows = list(csv.DictReader(totals_to_csv(reports, names).splitlines()))
    for row, each in zip(rows, reports, strict=True):
        assert each.max_batch and row["max_batch"] == str(each.max_batch.batch)
        assert (row["batch"], row["dtype"], row["optimizer"], row["frozen"]) == (
            "8",
            "bfloat16",
            "adamw",
            "layer1 stem",
        )
    for text in (several.to_table(reports, names), several.to_markdown(reports, names)):
        assert (
            "or a batch of 8 in bfloat16 with adamw, layer1, stem frozen" in text.splitlines()[-1]
        )


def test_many_take_a_row_each() -> None:
    names = [name for name in shipped_names() if "resnet" in name]
    lines = several.to_table([report(load(name)) for name in names], names, width=100).splitlines()
    assert max(map(cell_len, lines)) <= 100
    assert [line.split()[0] for line in lines[2:-1]] == names
