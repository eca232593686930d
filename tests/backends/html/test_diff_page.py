"""The page of a difference, opened in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec import cli
from resspec.backends.html.report import FIGURES
from resspec.backends.report import report
from resspec.backends.report.table import figure
from resspec.compiler import load
from tests.browser import POOR, Browser
from tests.texts import written

NAMES = (
    "[...document.querySelectorAll('#parts tbody tr:not([hidden]) .name')].map(e => e.textContent)"
)


def page(folder: Path, a: str, b: str, code: int = 1) -> Path:
    path = folder / "diff.html"
    with pytest.MonkeyPatch.context() as patch, path.open("w", encoding="utf-8") as file:
        patch.setattr("sys.stdout", file)
        assert cli.run(["diff", a, b, "--format", "html"]) == code
    return path


def test_where_the_stride_stands(tmp_path: Path, chromium: Browser) -> None:
    path = page(tmp_path, "resnet50", "torchvision/resnet50")
    assert path.stat().st_size < 500_000
    chromium.open(path)
    assert chromium.requests == [path.as_uri()]
    assert chromium.complaints == []
    assert chromium.evaluate("document.title") == "resnet50 → torchvision/resnet50"
    assert chromium.evaluate(NAMES) == [
        "~ stem",
        "~ layer1",
        "~ layer2",
        "~ layer3",
        "~ layer4",
        "~ head",
    ]
    cells = "[...document.querySelectorAll('#parts tbody tr.level-1')[2].cells].map(e => e.innerText.replace('\\n', ' '))"
    assert chromium.evaluate(cells)[1:] == [
        "1.22M",
        "+77.1M 951M → 1.03G",
        "+301K 2.81M → 3.11M",
        "+2.41MB 20.9MB → 23.3MB",
    ]
    chromium.evaluate("document.querySelectorAll('#parts .level-1 .fold')[2].click()")
    assert chromium.evaluate(NAMES)[3:7] == [
        "~ layer2.0",
        "~ layer2.1 … layer2.3 (3)",
        "~ layer2.0",
        "layer2.1..3",
    ]
    chromium.evaluate("document.querySelector('#parts .level-2:not([hidden])').id = 'change'")
    assert chromium.evaluate("document.querySelector('#change small').innerText").split("; ") == [
        "conv1: stride 2 → 1",
        "conv1, conv2, conv3, downsample.0: init mode fan_in → fan_out",
        "conv2: stride 1 → 2",
    ]
    chromium.hover("#change .name")
    assert chromium.evaluate(
        "[...document.querySelectorAll('#picture .lit text')].map(e => e.textContent)"
    ) == ["~ 1x1 conv, 128, /2", "~ 3x3 conv, 128", "~ 1x1 conv, 128", "~ 3x3 conv, 128, /2"]
    lit = chromium.evaluate(
        "[...document.querySelectorAll('#spec .lit code')].map(e => e.textContent)"
    )
    assert [text for text in lit if "stage" in text] == [
        "    stages layer1..: first [64, 128, 256, 512], /strides -> (n - 1) x later [64, 128, 256, 512]",
    ] * 2
    bars = chromium.evaluate(
        "[...document.querySelectorAll('.bar')].map(e => [...e.children].map(c => c.textContent))"
    )
    assert [(bar[0], bar[2]) for bar in bars] == [
        ("params a", "25.6M"),
        ("params b", "25.6M"),
        ("macs a", "3.86G"),
        ("macs b", "4.09G"),
        ("acts a", "10.6M"),
        ("acts b", "11.1M"),
        ("saved a", "81.9MB"),
        ("saved b", "86.1MB"),
    ]


@pytest.mark.parametrize(
    ("a", "b"), [("resnet18", "resnet34"), ("resnet50", "se_resnet50"), ("plain34", "mobilenet_v2")]
)
def test_it_folds_out_to_all_of_both(a: str, b: str, tmp_path: Path, chromium: Browser) -> None:
    """Every block and every layer of either side stands in one row, with its figures."""
    chromium.open(page(tmp_path, a, b))
    rows = chromium.evaluate("""[...document.querySelectorAll("#parts tbody tr:not(.said)")].map((row) => [
        row.querySelector(".name").title, row.className,
        ...[...row.cells].slice(1).map((cell) => (cell.querySelector("small") || cell).textContent)])""")
    for side, name, other in ((0, a, "added"), (-1, b, "removed")):
        found = sorted(
            (row[0].split(" → ")[side], *(cell.split(" → ")[side] for cell in row[2:]))
            for row in rows
            if other not in row[1] and "level-1" not in row[1]
        )
        network = load(name)
        wanted = {
            (row.label, *(figure(quantity, row.figures[quantity]) for quantity in FIGURES))
            for by in ("block", "op")
            for row in report(network, by=by).rows
        }
        assert {row for row in found if row[0]} == {row for row in wanted if row[0]}


def test_the_largest_change_first(tmp_path: Path, chromium: Browser) -> None:
    chromium.open(page(tmp_path, "resnet34", "resnet50"))
    chromium.evaluate("document.querySelectorAll('#parts thead button')[0].focus()")
    chromium.press("Enter")
    assert chromium.evaluate(NAMES) == [
        "~ layer4",
        "~ head",
        "~ layer3",
        "~ layer2",
        "~ layer1",
        "stem",
    ]


def test_sections_that_come_and_go(tmp_path: Path, chromium: Browser) -> None:
    a = written(
        tmp_path,
        "network n { input 3x8x8; stem conv 3x3, 4; stage old: conv 3x3, 8; head avgpool -> fc 2 }",
        "a.res",
    )
    b = written(
        tmp_path,
        "network n { input 3x9x9; stem conv 3x3, 4; stage new: conv 1x1, 6; head avgpool -> fc 2 }",
        "b.res",
    )
    chromium.open(page(tmp_path, str(a), str(b)))
    assert chromium.complaints == []
    assert [name for name in chromium.evaluate(NAMES) if name[:1] in "+−"] == ["− old", "+ new"]
    assert "input 3x8x8 → 3x9x9" in chromium.evaluate(
        "document.querySelector('#parts tbody tr').innerText"
    )


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 1600])
def test_it_can_be_read(width: int, dark: bool, tmp_path: Path, chromium: Browser) -> None:
    chromium.open(page(tmp_path, "resnet34", "resnet50"), width, 900, dark)
    chromium.evaluate(
        "document.getElementById('open-all').click(); document.querySelector('details').open = true"
    )
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    assert chromium.evaluate(POOR) == []


def test_equal_networks_and_saved_reports(
    tmp_path: Path, chromium: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    chromium.open(page(tmp_path, "resnet18", "resnet18", 0))
    assert chromium.evaluate(NAMES) == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
    assert cli.run(["report", "resnet18", "--format", "json"]) == 0
    saved = written(tmp_path, capsys.readouterr().out, "resnet18.json")
    chromium.open(page(tmp_path, str(saved), "resnet34"))
    assert chromium.complaints == []
    assert chromium.evaluate(NAMES) == [
        "stem",
        "~ layer1",
        "~ layer2",
        "~ layer3",
        "~ layer4",
        "head",
    ]
    assert chromium.evaluate("document.querySelectorAll('svg').length") == 0


def test_many_differences_are_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["diff", "--since", "HEAD", "--format", "html"]) == 2
    assert capsys.readouterr().err.startswith("error: --since compares all specs")
