"""What becomes of small graphs: outputs, merges that share a part of their way, and obstacles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resspec.diagnostics import UsageError
from resspec.importing.errors import Unimportable
from resspec.importing.graph import Graph
from resspec.importing.nest import network
from resspec.importing.part import part
from resspec.ir.fingerprint import fingerprint
from resspec.ir.outputs import points
from resspec.ir.uninitialized import without_init
from tests.importing.sketched import graph
from tests.texts import load_text

TEXTS = Path(__file__).parents[1] / "diagnostics" / "imports"  # the text of each, as `CODE.txt`


def agree(folder: Path, found: Graph, chain: str) -> None:
    """The network of a graph has the hash of a spec."""
    spec = load_text(folder, f"network net {{ input 8x4x4; head {chain} }}")
    assert fingerprint(network(found)) == fingerprint(without_init(spec))


CONV = "conv 3x3, 8"


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        (
            "a = conv input\nb = conv a\nc = conv b\ny = concat input a b c",
            (
                f"concat {{ identity | a: {CONV} -> concat {{ identity | b: {CONV} -> concat "
                f"{{ identity | c: {CONV} }} }} }}"
            ),
        ),
        (
            "a = conv input\nx = concat input a\nb = conv x\ny = concat input a b",
            f"concat {{ identity | a: {CONV} }} -> concat {{ identity | b: {CONV} }}",
        ),
        (
            "a = conv input\nb = conv input\nc = conv input\nx = add a b\ny = add x c",
            f"add {{ a: {CONV} | b: {CONV} | c: {CONV} }}",
        ),
        (
            "c = conv input\na = conv input\nb = conv input\nx = add a b\ny = add x c",
            f"add {{ c: {CONV} | add {{ a: {CONV} | b: {CONV} }} }}",
        ),
        (
            "a = conv input\nb = conv input\nc = conv a\ny = mul b c",
            f"mul {{ a: {CONV} -> c: {CONV} | b: {CONV} }}",
        ),
        (
            "a = conv input\nb = conv a\nx = add a b input",
            f"add {{ a: {CONV} -> add {{ identity | b: {CONV} }} | identity }}",
        ),
        ("a = conv input\nx = concat a\ny = relu x\nb = conv y", f"a: {CONV} -> relu -> b: {CONV}"),
        ("a = conv input\nx = add a a", f"a: {CONV} -> add {{ identity | identity }}"),
        ("a = conv input\nr = relu a in a.act\nb = conv r", f"a: {CONV} -> relu -> b: {CONV}"),
        (
            "n = narrow input\na = conv n\nl = low a\ns = add l n\nh = high a\ny = concat s h",
            f"n: conv 1x1, 4 -> add {{ a: {CONV} | pad_channels 8 }}",
        ),
    ],
    ids=[
        "nested",
        "dense",
        "sum",
        "computed first",
        "begun first",
        "first operands",
        "one operand",
        "twice",
        "in a layer",
        "padded",
    ],
)
def test_merges(text: str, chain: str, tmp_path: Path) -> None:
    agree(tmp_path, graph(text), chain)


def test_what_no_output_needs_is_left_out(tmp_path: Path) -> None:
    agree(tmp_path, graph("a = conv input\nb = conv a\nc = conv a", "c"), f"a: {CONV} -> c: {CONV}")


def test_outputs_are_points_of_the_main_chain() -> None:
    text = "a.0 = conv input\na.1 = conv a.0\nb.0 = conv a.1\nr = relu b.0 in b\nx = add r r in b\nc = conv x"
    classes = {"a": "Stage", "b": "Stage"}
    found = network(graph(text, "a.0", "a.1", "x", "c", classes=classes))
    assert found.outputs == ("a.0", "a", "b", "c")
    assert set(found.outputs) <= set(points(found))
    without = network(graph(text, classes=classes))
    assert without.outputs == () and fingerprint(without) != fingerprint(found)


def test_a_merge_that_is_an_output_gets_a_name() -> None:
    found = network(graph("a = conv input\nx = add a a\nb = conv x", "x", "b"))
    assert found.outputs == ("identity1", "b")
    assert set(found.outputs) <= set(points(found))


CROSSED = """
    block.a = conv input
    block.b = conv block.a
    sum = add input block.a in block
    block.c = conv sum
    y = add block.b block.c in block
"""
OBSTACLES = {
    "E0702": graph(CROSSED, classes={"": "Net", "block": "Res2Block"}),
    "E0703": graph("a = conv input\nb = conv a\nc = conv a", "b", "c", classes={"": "Net"}),
    "E0704": graph("m.a = conv input\nm.a = conv m.a\n", classes={"m": "Shared"}),
    "E0705": graph("m.type = conv input", classes={"m": "Typed"}),
    "E0706": graph(
        "\n".join(
            [
                "c0 = conv input",
                *(f"c{i} = conv c{i - 1}" for i in range(1, 100)),
                "y0 = concat c98 c99",
                *(f"y{i} = concat c{98 - i} y{i - 1}" for i in range(1, 99)),
            ]
        ),
        classes={"": "Net"},
    ),
}
PARTS = {"E0707": ("blok", CROSSED), "E0708": ("b", "a = conv input\nsum = add input a in b")}


@pytest.mark.parametrize("code", sorted(OBSTACLES))
def test_an_obstacle(code: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(Unimportable) as raised:
        network(OBSTACLES[code])
    assert {each.code for each in raised.value.obstacles} == {code}
    same(code, str(raised.value), update=request.config.getoption("--update"))


@pytest.mark.parametrize("code", sorted(PARTS))
def test_a_part_that_there_is_not(code: str, request: pytest.FixtureRequest) -> None:
    path, text = PARTS[code]
    with pytest.raises(UsageError) as raised:
        part(graph(text), tuple(path.split(".")))
    assert raised.value.code == code
    same(code, str(raised.value), update=request.config.getoption("--update"))


def same(code: str, text: str, *, update: bool) -> None:
    """A text is that of the file, which has no line numbers of tests."""
    text = re.sub(r"test_\w+\.py:\d+", "net.py:9", text)
    expected = TEXTS / f"{code}.txt"
    if update:
        expected.write_text(f"{text}\n", encoding="utf-8", newline="")
    assert f"{text}\n" == expected.read_text(encoding="utf-8")


def test_all_obstacles_are_told_at_once() -> None:
    text = "a.x = conv input\ns = add input a.x\nb.x = conv s\nb.x = conv b.x\nm.type = conv b.x"
    with pytest.raises(Unimportable, match="2 places") as raised:
        network(graph(text))
    assert [each.code for each in raised.value.obstacles] == ["E0705", "E0704"]


def test_steps_without_parameters_are_computed_twice_if_that_helps(tmp_path: Path) -> None:
    text = """
        a = conv input
        r = relu a
        b = conv r
        s = add a r
        c = conv s
        y = add b c
    """
    with pytest.raises(Unimportable):
        network(graph(text))
    again: list[int] = []
    found = network(graph(text), again=again)
    chain = f"a: {CONV} -> add {{ relu -> b: {CONV} | add {{ identity | relu }} -> c: {CONV} }}"
    spec = load_text(tmp_path, f"network net {{ input 8x4x4; head {chain} }}")
    assert fingerprint(found) == fingerprint(without_init(spec))
    assert again == [1]


def test_a_part_is_a_network_of_its_own(tmp_path: Path) -> None:
    text = "a = conv input\nm.x = conv a\nr = relu m.x in m\ns = add a r in m\nb = conv s"
    found = part(graph(text, classes={"m": "ResBlock"}), ("m",))
    assert found.name == "res_block"
    agree(tmp_path, found, f"add {{ identity | x: {CONV} -> relu }}")
