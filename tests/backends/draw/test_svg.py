"""The picture as a file: well-formed, harmless, readable without eyes, and the paper's figure."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from resspec.backends.draw import COLOR_BY, Pictured, draw, png
from resspec.backends.draw.layout import SMALL
from resspec.backends.draw.measure import width
from resspec.backends.draw.png import to_png
from resspec.backends.draw.shapes import Bracket, ColorScale, Drawing, Join, PlacedBox, Wire, Words
from resspec.backends.draw.svg import to_svg
from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.passes.quantities import Facts
from tests.backends.draw.test_layout import drawn, layers
from tests.backends.random_networks import random_network, with_texts
from tests.texts import load_text

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</style><script>alert(1)</script>&\"'<!-- ]]> \x00\x1b\u202e日本"


def element(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def test_figure_3_of_the_paper() -> None:
    """He et al. 2015, Figure 3, from top to bottom."""
    drawing = drawn(load("vgg19"), load("plain34"), load("resnet34"), unfold=True)
    vgg, plain, residual = ([box.label for box in layers(drawing, column)] for column in range(3))
    assert vgg == [
        *["3x3 conv, 64"] * 2,
        "2x2 max pool, /2",
        *["3x3 conv, 128"] * 2,
        "2x2 max pool, /2",
        *["3x3 conv, 256"] * 4,
        "2x2 max pool, /2",
        *(["3x3 conv, 512"] * 4 + ["2x2 max pool, /2"]) * 2,
        "fc 4096",
        "fc 4096",
        "fc 1000",
    ]
    assert (
        plain
        == residual
        == [
            "7x7 conv, 64, /2",
            "3x3 max pool, /2",
            *["3x3 conv, 64"] * 6,
            "3x3 conv, 128, /2",
            *["3x3 conv, 128"] * 7,
            "3x3 conv, 256, /2",
            *["3x3 conv, 256"] * 11,
            "3x3 conv, 512, /2",
            *["3x3 conv, 512"] * 5,
            "global avg pool",
            "fc 1000",
        ]
    )
    assert [join.column for join in drawing.of(Join)] == [2] * 16
    arcs = [wire for wire in drawing.of(Wire) if len(wire.points) == 4]
    assert [i for i, wire in enumerate(arcs) if wire.dashed] == [3, 7, 13]
    assert [words.text for words in drawing.of(Words) if words.style == "size"] == [
        *"224 112 56 28 14 7 1".split(),
        "output size",
    ]


def test_projections_are_boxes_and_zero_padding_is_none() -> None:
    """Options A, B and C of Table 3."""
    for option, boxes, dashed in (("A", 36, 3), ("B", 39, 6), ("C", 52, 6)):
        drawing = drawn(load("resnet34", option=option), unfold=True)
        assert len(layers(drawing)) == boxes
        assert (
            sum(wire.dashed for wire in drawing.of(Wire)) == dashed
        )  # two pieces where there is a box


def test_repeats_are_folded_and_unfolded() -> None:
    folded, unfolded = (drawn(load("resnet152"), unfold=unfold) for unfold in (False, True))
    assert [bracket.turns for bracket in folded.of(Bracket)] == [2, 7, 35, 2]
    assert not unfolded.of(Bracket)
    assert len(layers(unfolded)) == 152 - 1 + 4 + 2 + 1  # its layers, four projections, two pools
    assert [bracket.turns for bracket in drawn(load("densenet121")).of(Bracket)] == [6, 12, 24, 16]
    assert [bracket.turns for bracket in drawn(load("vgg19")).of(Bracket)] == [4, 4, 4]


def test_1202_layers() -> None:
    assert len(layers(drawn(load("resnet1202"), unfold=True))) == 1202 + 1


@pytest.mark.parametrize("seed", range(10))
def test_well_formed_whatever_names_say(seed: int) -> None:
    network = with_texts(random_network(seed), HOSTILE)
    for alone in (True, False):
        svg = to_svg(
            draw([Pictured(Facts(network), HOSTILE)], layers=True, color_by="macs"), alone=alone
        )
        root = element(svg)
        assert {child.tag for child in root.iter()} <= {
            SVG + tag for tag in "svg title desc style defs marker path rect circle g text".split()
        }
        names = [name for child in root.iter() for name in child.attrib]
        assert not [
            name for name in names if name.startswith("on") or "href" in name or name == "style"
        ]


def test_read_and_selected() -> None:
    root = element(to_svg(drawn(load("resnet18"))))
    assert [root.get(name) for name in ("role", "aria-labelledby", "aria-describedby")] == [
        "img",
        "net-title",
        "net-says",
    ]
    assert root.findtext(f"{SVG}title") == "resnet18"
    assert "layer2: 2 × basic, to 128x28x28" in (root.findtext(f"{SVG}desc") or "")
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {"7x7 conv, 64, /2", "3x3 conv, 512, /2", "fc 1000", "× 2", "layer1"} <= set(texts)
    titles = ["".join(title.itertext()) for title in root.iter(f"{SVG}title")]
    assert (
        "layer4.0.conv1: 3x3 conv, 512, /2 → 512x7x7; 57.8M macs, 1.18M params, 25.1K acts, 0B saved"
        in titles
    )


def test_dark_and_light_have_the_same_colours_to_set() -> None:
    """Whatever has a colour on a light page has one on a dark page."""
    light, dark = to_svg(drawn(load("resnet18"))).split("@media (prefers-color-scheme: dark)")
    rules = [
        set(re.findall(r"\.net ([\w .#-]*?)[,{]", part.replace(" {", "{")))
        for part in (light, dark)
    ]
    uncoloured = {".title", ".quiet text", ".section", ".times", ".dashed", ".box", ".box.removed"}
    assert rules[0] - rules[1] - uncoloured == set()


@pytest.mark.parametrize("name", COLOR_BY)
def test_the_most_expensive_layer_is_the_darkest(name: str) -> None:
    network = load("vgg19")
    drawing = drawn(network, unfold=True, color_by=name)
    entries = Facts(network).entries
    tints = {
        placed.box.entries[0]: int(placed.tint[1:])
        for placed in drawing.of(PlacedBox)
        if placed.box.entries
    }
    by_value = sorted(tints, key=lambda i: entries[i][1][COLOR_BY[name]] / entries[i][0].times)
    assert [tints[i] for i in by_value] == sorted(tints.values())
    assert tints[by_value[-1]] == 8
    assert drawing.of(ColorScale)


def test_what_is_saved_is_seen_where_it_is_saved() -> None:
    """Most of it by norms and activations, which are drawn then; a scale's marks do not touch."""
    network = load("resnet50")
    drawing, entries = drawn(network, color_by="saved"), Facts(network).entries
    seen = {entry for placed in drawing.of(PlacedBox) for entry in placed.box.entries}
    assert sum(entries[i][1]["saved_bytes"] for i in seen) == Facts(network).total("saved_bytes")
    (scale,) = drawing.of(ColorScale)
    assert all(width(mark, SMALL) < scale.step for mark in scale.marks)


@pytest.mark.parametrize(
    ("chain", "labels"),
    [
        ("relu", ["relu"]),
        ("identity", []),
        ("add { identity | identity }", []),
        ("mul { identity | sigmoid }", ["sigmoid"]),
        ("flatten -> linear 5 -> relu", ["linear 5"]),
    ],
)
def test_small_networks(chain: str, labels: list[str], tmp_path: Path) -> None:
    """With everything inside the picture."""
    network = load_text(tmp_path, f"network n {{ input 3x2x2; head {chain} }}")
    for color_by in (None, "macs"):
        drawing = drawn(network, color_by=color_by)
        assert [box.label for box in layers(drawing)] == labels
        root = element(to_svg(drawing))
        for shape in root.iter(f"{SVG}rect"):
            assert float(shape.get("x", 0)) + float(shape.get("width", 0)) <= drawing.width
            assert float(shape.get("y", 0)) + float(shape.get("height", 0)) <= drawing.height


@pytest.mark.usefixtures("font")
def test_a_png_has_twice_the_size_of_the_drawing() -> None:
    drawing = drawn(load("resnet18"))
    content = to_png(drawing)
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(content[16:20]) == pytest.approx(2 * drawing.width, abs=1)
    assert int.from_bytes(content[20:24]) == pytest.approx(2 * drawing.height, abs=1)


@pytest.mark.usefixtures("font")
def test_a_png_shows_its_words() -> None:
    drawing = drawn(load("resnet18"))
    other = tuple(part for part in drawing.parts if not isinstance(part, Words))
    without_words = drawing._replace(parts=other)
    with_words, without = map(pixels, (drawing, without_words))
    assert (with_words != without).sum() > 1000


def pixels(drawing: Drawing) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(to_png(drawing))).convert("L"))


def test_a_png_without_a_font_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "_FAMILIES", ("No Such Font",))
    with pytest.raises(UsageError, match="a PNG needs a font"):
        to_png(drawn(load("resnet18")))
