"""`resspec diff`: exit codes, templates, saved reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.typed import GOOD, WRONG, Captured, ran, spec

pytestmark = pytest.mark.usefixtures("here")

OLDER = Path(__file__).parent / "saved" / "older.report.json"


def test_diff_exit_codes(capsys: Captured) -> None:
    spec("good.res", GOOD)
    spec("other.res", GOOD.replace("conv 3x3, 4", "conv 3x3, 5"))
    spec("wrong.res", WRONG)
    ran("diff good.res good.res", capsys)
    ran("diff good.res other.res", capsys, 1)
    ran("diff good.res other.res --exit-zero", capsys)
    for command in (
        "diff good.res wrong.res",
        "diff good.res nowhere.res",
        "diff good.res nowhere.json",
        "diff . good.res",
    ):
        out, err = ran(command, capsys, 2)
        assert out == "" and err.startswith("error")


def test_diff_of_a_template_tells_what_works(capsys: Captured) -> None:
    spec("t.res", "network t(n) { input 3x8x8; head fc n }\n")
    err = ran("diff t.res resnet18", capsys, 2)[1]
    assert "help: derive a network with values: `network my_t = t n=…`" in err
    assert "`--set n=…` gives a value here" in err
    assert "`--set n=…` gives a value here" in ran("report t.res", capsys, 1)[1]
    spec("mine.res", "use t\nnetwork my_t = t n=3\n")
    ran("diff mine.res mine.res", capsys)
    ran("diff mine.res t.res --set n=3", capsys)
    ran("diff mine.res t.res --set n=2 --input 9", capsys, 0)


def test_diff_of_saved_reports(capsys: Captured) -> None:
    for name in ("resnet50", "torchvision/resnet50"):
        ran(f"compile {name} --out {name}", capsys)
    of_specs = json.loads(ran("diff resnet50 torchvision/resnet50 --format json", capsys, 1)[0])
    saved = "resnet50/resnet50.report.json torchvision/resnet50/resnet50.report.json"
    of_reports = json.loads(ran(f"diff {saved} --format json", capsys, 1)[0])
    assert of_reports == {**of_specs, "structure": None, "weights": None}
    assert of_specs["totals"]["macs"]["delta"] == 4_089_184_256 - 3_857_973_248
    Path("broken.json").write_text("{", encoding="utf-8")
    assert "this is not a resspec.report/1" in ran("diff broken.json resnet50", capsys, 2)[1]


@pytest.mark.parametrize("form", ["table", "markdown", "html", "json"])
def test_a_report_of_an_older_version_is_compared_in_what_it_has(
    form: str, capsys: Captured
) -> None:
    """It has only the quantities that no report lacks."""
    for sides in (f"{OLDER} resnet20", f"resnet20 {OLDER}"):
        assert ran(f"diff {sides} --format {form}", capsys, 1)[0]


def test_what_an_older_report_lacks_is_no_difference(capsys: Captured) -> None:
    written = json.loads(OLDER.read_text(encoding="utf-8"))
    now = json.loads(ran("report digits --format json", capsys)[0])
    found = json.loads(ran(f"diff {OLDER} digits --format json", capsys)[0])
    assert found["same"]
    assert found["totals"].keys() == written["totals"].keys() < now["totals"].keys()
    assert {row["delta"][name] for row in found["rows"] for name in row["delta"]} == {0}

    named = json.loads(ran(f"diff resnet20 {OLDER} --format json", capsys, 1)[0])
    assert named["totals"].keys() == written["totals"].keys()


def test_initial_values_can_be_ignored(capsys: Captured) -> None:
    net = "network n { input 3x8x8; stem conv 3x3, 4 -> bn -> prelu INIT; init conv: LAW }\n"
    spec("a.res", net.replace("INIT", "init=0.1").replace("LAW", "zeros"))
    spec("b.res", net.replace("INIT", "").replace("LAW", "kaiming_normal"))
    spec("c.res", net.replace("INIT", "").replace("LAW", "zeros").replace("3x3, 4", "3x3, 5"))
    ran("diff a.res b.res", capsys, 1)
    ran("diff a.res c.res --ignore init", capsys, 1)
    assert "equal hashes" in ran("diff a.res b.res --ignore init", capsys)[0]
    hashes = [
        json.loads(ran(f"report {name}.res --hash-without init --format json", capsys)[0])["hash"]
        for name in "abc"
    ]
    assert hashes[0] == hashes[1] != hashes[2]
    plain = json.loads(ran("report a.res --format json", capsys)[0])["hash"]
    assert plain not in hashes
