"""The page of a report in a real browser: its content, its interaction, its policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec import cli
from resspec.backends.html.report import to_html
from resspec.backends.report import report
from resspec.backends.report.table import figure
from resspec.compiler import load
from resspec.opening import sources
from resspec.passes.quantities import Facts
from resspec.render import visible
from tests.backends.random_networks import random_network, with_texts
from tests.browser import POOR, Browser

NAMES = ("resnet18", "resnet152", "densenet121")
HOSTILE = (
    "</script ><script >window.hacked = 1</script ><!--<script \"'&${x} $title ]]> \u2028\x00\u202e"
)
LIT = "[...document.querySelectorAll('{} .lit')].filter(e => e.checkVisibility()).map(e => e.textContent)"
VISIBLE = (
    "[...document.querySelectorAll('#parts tbody tr:not([hidden]) .name')].map(e => e.textContent)"
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name in NAMES:
        with (
            pytest.MonkeyPatch.context() as patch,
            (folder / f"{name}.html").open("w", encoding="utf-8") as file,
        ):
            patch.setattr("sys.stdout", file)
            assert cli.run(["report", name, "--format", "html", "--memory", "24GB"]) == 0
    return {name: folder / f"{name}.html" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_alone(name: str, pages: dict[str, Path], chromium: Browser) -> None:
    assert pages[name].stat().st_size < 500_000
    chromium.open(pages[name])
    assert chromium.requests == [pages[name].as_uri()]
    assert chromium.complaints == []
    assert chromium.evaluate("document.title") == name


def test_the_network_is_forbidden(pages: dict[str, Path], chromium: Browser) -> None:
    chromium.open(pages["resnet18"])
    refused = chromium.evaluate("""new Promise((done) => {
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
        fetch("http://127.0.0.1:9/").catch(() => 0);
    })""")
    assert refused == "connect-src"
    assert (
        chromium.evaluate("""new Promise((done) => {
        document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
        document.body.append(Object.assign(document.createElement("script"), { textContent: "window.hacked = 1" }));
    })""")
        == "script-src-elem"
    )
    assert chromium.evaluate("window.hacked") is None


@pytest.mark.parametrize("name", NAMES)
def test_it_shows_the_report(name: str, pages: dict[str, Path], chromium: Browser) -> None:
    """Every stage, block and layer with its figures."""
    chromium.open(pages[name])
    rows = chromium.evaluate("""[...document.querySelectorAll("#parts tbody tr")].map((row) =>
        [row.className, row.querySelector(".name").title, ...[...row.cells].slice(1).map((cell) => cell.textContent)])""")
    network = load(name)
    for level, by in (("level-1", "stage"), (None, "block"), (None, "op")):
        for row in report(network, by=by).rows:  # type: ignore[arg-type]
            shown = [
                figure(quantity, row.figures[quantity])
                for quantity in ("params", "macs", "acts", "saved_bytes")
            ]
            found = [
                words[2:] for words in rows if words[1] == row.label and level in (None, words[0])
            ]
            assert [row.output, *shown] in found
    foot = chromium.evaluate('document.querySelector("#parts tfoot tr").innerText.split("\\t")')
    totals = report(network).totals
    assert [word.strip() for word in foot] == [
        "total",
        "",
        *(
            figure(quantity, totals[quantity])
            for quantity in ("params", "macs", "acts", "saved_bytes")
        ),
    ]
    exact = chromium.evaluate(
        '[...document.querySelectorAll("#exact tr")].map((row) => row.textContent)'
    )
    assert exact == [f"{quantity}{value:,}" for quantity, value in totals.items()]


def test_it_shows_the_outputs(tmp_path: Path, pages: dict[str, Path], chromium: Browser) -> None:
    network = load("resnet18", output="layer1.0 layer3")
    page = tmp_path / "page.html"
    page.write_text(to_html(report(network), Facts(network), {}), encoding="utf-8")
    table = """[...document.querySelectorAll("#outputs tr")]
        .filter(row => row.checkVisibility()).map(row => [...row.cells].map(cell => cell.textContent))"""
    chromium.open(page)
    assert chromium.evaluate(table) == [
        ["output", "shape", "channels", "stride", "sees"],
        ["layer1.0", "64x56x56", "64", "4", "27"],
        ["layer3", "256x14x14", "256", "16", "211"],
    ]
    chromium.open(pages["resnet18"])
    assert chromium.evaluate(table) == []


def test_sorting_with_keys(pages: dict[str, Path], chromium: Browser) -> None:
    chromium.open(pages["resnet152"])
    in_order = ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
    falling = ["layer3", "layer4", "layer2", "head", "layer1", "stem"]
    assert chromium.evaluate(VISIBLE) == in_order
    chromium.evaluate("document.querySelectorAll('#parts thead button')[1].focus()")
    states = []
    for expected, key in ((falling, "Enter"), (falling[::-1], " "), (in_order, "Enter")):
        chromium.press(key)
        assert chromium.evaluate(VISIBLE) == expected
        states.append(chromium.evaluate("document.querySelectorAll('#parts thead th')[2].ariaSort"))
    assert states == ["descending", "ascending", None]


def test_folding_with_keys(pages: dict[str, Path], chromium: Browser) -> None:
    """From the top with Tab to the first stage, into it and out again."""
    chromium.open(pages["resnet18"])
    for _ in range(40):
        chromium.press("Tab")
        if chromium.evaluate("document.activeElement.ariaLabel") == "parts of layer1":
            break
    chromium.press("Enter")
    assert chromium.evaluate("document.activeElement.ariaExpanded") == "true"
    assert chromium.evaluate(VISIBLE)[:4] == ["stem", "layer1", "layer1.0", "layer1.1"]
    chromium.press("Tab")
    chromium.press("Tab")
    chromium.press(" ")
    assert chromium.evaluate(VISIBLE)[2:10] == [
        "layer1.0",
        "conv1",
        "bn1",
        "relu1",
        "conv2",
        "bn2",
        "add",
        "relu2",
    ]
    chromium.evaluate("document.getElementById('close-all').click()")
    assert len(chromium.evaluate(VISIBLE)) == 6


def test_pointing_links_table_drawing_and_spec(pages: dict[str, Path], chromium: Browser) -> None:
    chromium.open(pages["resnet152"])
    chromium.evaluate("document.getElementById('open-all').click()")
    conv2 = "document.querySelector('.name[title=\"layer3.1..35.conv2\"]').closest('tr')"
    chromium.evaluate(f"{conv2}.id = 'wanted'")
    chromium.hover("#wanted td:last-child")
    assert chromium.evaluate(LIT.format("#spec")) == [
        "12          -> conv 3x3, width, dilation=dilation -> bn -> relu"
    ]
    assert chromium.evaluate(
        "[...document.querySelectorAll('#spec .near')].map(e => e.textContent)"
    ) == [
        "44    stages layer1..: first [64, 128, 256, 512], /strides -> (n - 1) x later [64, 128, 256, 512]"
    ]
    shapes = chromium.evaluate(LIT.format("#picture"))
    assert len(shapes) == 1
    assert shapes[0].startswith("layer3.1..35.conv2: 3x3 conv, 256")
    chromium.evaluate("document.querySelector('#picture .lit').id = 'box'")
    chromium.hover("h1")
    assert chromium.evaluate(LIT.format("")) == []
    chromium.hover("#box")
    assert chromium.evaluate(f"{conv2}.className") == "level-3 leaf lit"
    assert chromium.evaluate(LIT.format("#spec")) == [
        "12          -> conv 3x3, width, dilation=dilation -> bn -> relu"
    ]
    chromium.evaluate(
        "document.querySelector('#spec button[aria-label^=\"line 12: -> conv 3x3\"]').closest('li').id = 'line'"
    )
    chromium.hover("#line code")
    lit = chromium.evaluate("[...document.querySelectorAll('#parts .lit .name')].map(e => e.title)")
    assert {"conv2", "bn2", "relu2"} <= {name.rpartition(".")[2] for name in lit}
    assert len(lit) == 3 * 8 + 8  # and the sums, whose clause it stands in
    assert sum("3x3 conv" in words for words in chromium.evaluate(LIT.format("#picture"))) == 8


def test_what_is_folded_is_lit_where_it_can_be_seen(
    pages: dict[str, Path], chromium: Browser
) -> None:
    chromium.open(pages["resnet152"])
    chromium.hover("#picture .layer[data-rows='0.0']")
    assert chromium.evaluate(
        "[...document.querySelectorAll('#parts .lit .name')].map(e => e.title)"
    ) == ["stem"]


def test_pinning_with_keys_is_told(pages: dict[str, Path], chromium: Browser) -> None:
    chromium.open(pages["resnet18"])
    chromium.evaluate("document.querySelector('.level-1 .name[title=layer2]').focus()")
    chromium.press("Enter")
    chromium.evaluate("document.activeElement.blur()")
    told = "document.getElementById('status').textContent"
    assert chromium.evaluate(told) == "layer2, 2 × basic, line specs/lib/he2015.res:44"
    assert len(chromium.evaluate(LIT.format("#spec"))) == 1
    chromium.press("Escape")
    assert chromium.evaluate(told) == ""
    assert chromium.evaluate(LIT.format("#spec")) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone(name: str, width: int, pages: dict[str, Path], chromium: Browser) -> None:
    chromium.open(pages[name], width, 800)
    chromium.evaluate(
        "document.getElementById('open-all').click(); document.querySelector('details').open = true"
    )
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    assert chromium.evaluate(
        "[...document.querySelectorAll('.pane')].every(e => e.scrollWidth <= e.clientWidth + 1)"
    )


def test_what_is_read_out(pages: dict[str, Path], chromium: Browser) -> None:
    chromium.open(pages["resnet18"])
    assert chromium.names("image") == ["resnet18"]
    assert chromium.names("heading") == [
        "resnet18",
        "Drawing",
        "Where it is",
        "Parts",
        "Spec",
        "specs/resnet18.res",
        "specs/lib/he2015.res",
    ]
    assert {
        "parts of layer1",
        "params",
        "open all",
        "line 44: stages layer1..: first [64, 128, 256, 512], /strides -> (n - 1) x later [64, 128, 256, 512]",
    } <= set(chromium.names("button"))
    assert chromium.names("columnheader") == ["part", "output", "params", "macs", "acts", "saved"]


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out(dark: bool, pages: dict[str, Path], chromium: Browser) -> None:
    """WCAG 2: a contrast of 4.5 for every text on its ground."""
    chromium.open(pages["resnet18"], dark=dark)
    chromium.evaluate("document.getElementById('open-all').click()")
    assert chromium.evaluate(POOR) == []


@pytest.mark.parametrize("seed", range(3))
def test_names_are_words_and_nothing_else(seed: int, tmp_path: Path, chromium: Browser) -> None:
    network = with_texts(random_network(seed), HOSTILE)
    facts = Facts(network)
    texts = {section.span.rsplit(":", 3)[0]: HOSTILE for section in network.sections}
    path = tmp_path / "page.html"
    path.write_text(to_html(report(network), facts, texts), encoding="utf-8")
    chromium.open(path)
    assert chromium.complaints == []
    assert chromium.evaluate("window.hacked") is None
    assert chromium.evaluate("document.querySelectorAll('script').length") == 2
    assert chromium.evaluate("document.querySelectorAll('#parts tbody tr').length") > 4
    assert visible(HOSTILE)[:30] in chromium.evaluate("document.body.innerText")


@pytest.mark.parametrize(
    "arguments",
    [["resnet18", "resnet34"], ["resnet18", "--by", "op"], ["resnet18", "--like", "thop"]],
)
def test_what_is_no_page(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["report", *arguments, "--format", "html"]) == 2
    out, err = capsys.readouterr()
    assert (out, err[:14]) == ("", "error: a page ")


def test_the_spec_itself_is_shown(tmp_path: Path, chromium: Browser) -> None:
    """Also when its layers are all in other files; of libraries, only those that are used."""
    for name, files in (
        ("plain34", ["plain34.res", "lib/he2015.res"]),
        (
            "se_resnet50",
            ["se_resnet50.res", "lib/hu2017.res", "lib/torchvision.res", "lib/he2015.res"],
        ),
    ):
        path = tmp_path / f"{name}.html"
        path.write_text(
            to_html(report(load(name)), Facts(load(name)), sources(name)), encoding="utf-8"
        )
        chromium.open(path)
        assert chromium.evaluate(
            "[...document.querySelectorAll('#spec h3')].map(e => e.textContent)"
        ) == [f"specs/{file}" for file in files]
        assert chromium.complaints == []
