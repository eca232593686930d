"""Values in a notebook: a drawing of a network, tables of reports and differences, a DataFrame."""

from __future__ import annotations

from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import resspec


def forms(value: Any) -> dict[str, str]:
    """Return what IPython takes from a value."""
    shell = import_module("IPython.core.interactiveshell").InteractiveShell()
    data, _ = shell.display_formatter.format(value)
    return dict(data)


class Cells(HTMLParser):
    """The texts of a page's cells, a list for each row; the tags that were used."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._is_inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._is_inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._is_inside = False

    def handle_data(self, data: str) -> None:
        if self._is_inside:
            self.rows[-1][-1] += data


def test_a_network_is_a_drawing_and_a_line_in_a_terminal() -> None:
    shown = forms(resspec.load("torchvision/resnet18"))
    assert set(shown) == {"text/plain", "image/svg+xml"}
    assert shown["text/plain"] == "resnet18: 3x224x224 -> 1000, 11.7M params, 1.81G macs"
    assert ET.fromstring(shown["image/svg+xml"]).tag.endswith("svg")


def test_a_report_is_the_same_table_in_every_form() -> None:
    report = resspec.report(resspec.load("resnet18"))
    shown = forms(report)
    html = Cells(shown["text/html"])
    assert html.tags.isdisjoint({"script", "style", "link", "img", "a"})
    labels = [row[0] for row in html.rows]
    assert labels[1:8] == ["stem", "layer1", "layer2", "layer3", "layer4", "head", "total"]
    exact = {row[0]: row[1] for row in html.rows if len(row) == 2}
    assert exact["params"] == "11,515,688"
    for name, value in report.totals.items():
        assert exact[name] == f"{value:,}"
        assert f"| `{name}` | {value:,} |" in shown["text/markdown"]
    assert shown["text/plain"] == str(report)


def test_a_difference_has_totals_changes_and_its_verdict() -> None:
    paper = resspec.load("resnet50")
    shown = forms(resspec.diff(paper, resspec.load("torchvision/resnet50")))
    html = Cells(shown["text/html"])
    macs = next(row for row in html.rows if row[0] == "macs")
    assert macs[1:4] == ["3,857,973,248", "4,089,184,256", "+231,211,008"]
    assert any("stride" in row[-1] for row in html.rows)
    same = forms(resspec.diff(paper, paper))
    assert "the same network" in same["text/html"]
    assert "<table" not in same["text/html"]


def test_names_are_not_taken_for_markup(tmp_path: Any) -> None:
    spec = tmp_path / "a.res"
    spec.write_text("network a { input 3x8x8; stage s_1: conv 3x3, 4; head avgpool -> fc 2 }")
    other = tmp_path / "<b>.res"
    other.write_text("network a { input 3x8x8; stage s_1: conv 3x3, 8; head avgpool -> fc 2 }")
    diff = resspec.diff(resspec.load(spec), resspec.load(other))
    assert "<b>.res" not in forms(diff)["text/html"]


def test_rows_of_a_report_are_a_frame_of_pandas() -> None:
    report = resspec.report(resspec.load("resnet18"), by="block")
    frame = report.to_frame()
    assert list(frame.index) == [row.label for row in report.rows]
    assert frame.index.name == "block"
    assert frame["params"].sum() == report.totals["params"]
    assert frame.loc["layer2.0", "output"] == "128x28x28"


def test_a_frame_without_pandas_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(import_module("sys").modules, "pandas", None)
    with pytest.raises(resspec.UsageError, match="pip install pandas"):
        resspec.report(resspec.load("resnet18")).to_frame()


# --- %%res ---


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    made = import_module("IPython.core.interactiveshell").InteractiveShell()
    made.extension_manager.load_extension("resspec")
    return made


TWO = """
use he2015
network small { input 3x32x32; shortcut B; stage layer1: 3 x basic 16; head avgpool -> fc 10 }
network large { input 3x32x32; shortcut B; stage layer1: 9 x basic 16; head avgpool -> fc 10 }
"""


def test_a_cell_makes_a_variable_of_each_network(shell: Any) -> None:
    done = shell.run_cell(f"%%res\n{TWO}")
    assert done.result is shell.user_ns["large"]
    assert str(shell.user_ns["small"].output) == "10"


def test_a_cell_names_its_network(shell: Any) -> None:
    shell.run_cell(f"%%res mine\n{TWO}")
    assert shell.user_ns["mine"].name == "large"
    assert "large" not in shell.user_ns


def test_a_mistake_in_a_cell_is_shown_at_its_place(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.execution_count = 7
    shell.run_cell("%%res\nnetwork n {\n    input 3x8x8\n    head avgpol -> fc 10\n}")
    printed = capsys.readouterr().out
    assert "--> In [7]:3:10" in printed
    assert "did you mean `avgpool`?" in printed
    assert "Traceback" not in printed
    assert "n" not in shell.user_ns


def test_a_cell_uses_files_of_the_folder(shell: Any, tmp_path: Path) -> None:
    (tmp_path / "own.res").write_text("block twice(w) { 2 x { conv 3x3, w -> relu } }")
    shell.run_cell(
        '%%res\nuse "own.res"\nnetwork n { input 3x8x8; stem twice 4; head avgpool -> fc 2 }'
    )
    assert str(shell.user_ns["n"].output) == "2"


@pytest.mark.parametrize("name", ["two words", "class"])
def test_a_name_that_is_none_is_refused(
    shell: Any, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell(f"%%res {name}\n{TWO}")
    assert f"%%res takes a name for the network, not '{name}'" in capsys.readouterr().out
