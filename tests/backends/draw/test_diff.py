"""The marks of a drawn difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.backends.diff.compare import Marks
from resspec.backends.diff.structure import structure
from resspec.backends.draw import Pictured, draw
from resspec.backends.draw.shapes import Bracket, Drawing, Join, PlacedBox, Sample, Wire
from resspec.backends.draw.svg import to_svg
from resspec.compiler import load
from resspec.ir.fingerprint import Digests
from resspec.ir.network import Network
from resspec.passes.quantities import Facts
from tests.random_specs import random_spec
from tests.texts import load_text


def marked(a: Network, b: Network) -> Marks:
    return structure(a, b, Digests()).marks


def drawn(a: Network, b: Network, unfold: bool = False, layers: bool = False) -> Drawing:
    given = [
        Pictured(Facts(one), one.name, signs)
        for one, signs in zip((a, b), marked(a, b), strict=True)
    ]
    return draw(given, unfold=unfold, layers=layers)


def signed(drawing: Drawing, column: int) -> list[tuple[str, str]]:
    return [
        (placed.box.sign, name)
        for placed in drawing.of(PlacedBox)
        if placed.column == column and placed.box.sign
        for name in placed.box.names
    ]


def test_where_the_stride_stands() -> None:
    """The paper's ResNet-50 and torchvision's."""
    drawing = drawn(load("resnet50"), load("torchvision/resnet50"))
    changed = [("~", f"layer{i}.0.conv{j}") for i in (2, 3, 4) for j in (1, 2)]
    assert [signed(drawing, column) for column in (0, 1)] == [changed, changed]
    assert [sample.text for sample in drawing.of(Sample)] == [
        "the shape changes",
        "adds",
        "changed",
    ]


def test_shortcuts_are_added_to_a_plain_network() -> None:
    drawing = drawn(load("plain34"), load("resnet34"), unfold=True)
    assert signed(drawing, 0) == signed(drawing, 1) == []
    assert [join.branch.sign for join in drawing.of(Join)] == ["+"] * 16
    assert sum(wire.sign == "+" for wire in drawing.of(Wire)) == 16


def test_norms_that_come_are_drawn() -> None:
    """Which the paper's view leaves out."""
    drawing = drawn(load("torchvision/vgg16"), load("torchvision/vgg16_bn"))
    assert signed(drawing, 0) == []
    assert len(signed(drawing, 1)) == 13
    assert [placed.box.label for placed in drawing.of(PlacedBox) if placed.box.sign] == ["bn"] * 13


def test_gates_that_come() -> None:
    drawing = drawn(load("torchvision/resnet50"), load("se_resnet50"))
    assert signed(drawing, 0) == []
    assert {(sign, name.split(".")[-2]) for sign, name in signed(drawing, 1)} == {("+", "se")}
    assert len(signed(drawing, 1)) == 3 * 16


def test_blocks_that_replace_others() -> None:
    """Are all red and all green, and their norms not drawn for that."""
    drawing = drawn(load("resnet34"), load("resnet50"), unfold=True)
    before, after = (signed(drawing, column) for column in (0, 1))
    assert [sign for sign, _ in before] == ["-"] * 32
    assert [sign for sign, _ in after] == ["+"] * 52


def test_a_longer_stage() -> None:
    drawing = drawn(load("resnet50"), load("resnet101"))
    assert signed(drawing, 0) == []
    assert sorted({name.split(".")[1] for _, name in signed(drawing, 1)}, key=int) == [
        str(i) for i in range(6, 23)
    ]
    assert [bracket.turns for bracket in drawing.of(Bracket)] == [2, 3, 5, 2, 2, 3, 5, 17, 2]


@pytest.mark.parametrize("seed", range(30))
def test_both_ways(seed: int, tmp_path: Path) -> None:
    """Nothing differs from itself; what is new one way is gone the other; all of it is drawn."""
    a, b = load_text(tmp_path, random_spec(seed)), load_text(tmp_path, random_spec(seed + 1))
    assert marked(a, a) == ({}, {})
    there, back = marked(a, b), marked(b, a)
    assert {*there.a.values()} <= {"-", "~"}
    assert {*there.b.values()} <= {"+", "~"}
    assert list(there.a.values()).count("~") == list(there.b.values()).count("~")
    assert bool(back.a) == bool(there.b)
    drawing = drawn(a, b, unfold=True, layers=True)
    shown = {sign for column in (0, 1) for sign, _ in signed(drawing, column)} | {
        join.branch.sign for join in drawing.of(Join)
    }
    assert shown - {""} == {*there.a.values(), *there.b.values()}
    to_svg(drawing)


def test_signs_do_not_need_colour() -> None:
    svg = to_svg(drawn(load("resnet34"), load("resnet50")))
    assert ">− 3x3 conv, 64</text>" in svg
    assert ">+ 1x1 conv, 64</text>" in svg
    assert ">~ 1x1 conv, 128, /2</text>" in to_svg(
        drawn(load("resnet50"), load("torchvision/resnet50"))
    )
