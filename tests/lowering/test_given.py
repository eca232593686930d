"""Blocks, layers and options with some arguments given: what they make is what is written out."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.backends.module import build
from resspec.compiler import check, load
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from tests.backends.test_source import assert_twins

BLOCKS = """
block cna(size, width, norm=bn, act=relu) = conv size, width, /stride -> norm -> act
block basic(width, layer=cna(3x3), groups=1) {
    residual layer width, /stride -> conv 3x3, width, groups=groups
    shortcut
}
block level(width, inner) { conv 3x3, width -> inner -> conv 3x3, width }
shortcut G(k, norm=bn) { same: identity; change: conv k, out, /stride -> norm }
shortcut G3 { same: identity; change: conv 3x3, out, /stride -> bn }
shortcut G1 { same: identity; change: conv 1x1, out, /stride -> gn groups=8 }
block handing(width, option, kernel) { residual conv 3x3, width, /stride; shortcut option kernel }
block naming(width) { residual conv 3x3, width, /stride; shortcut G 5x5, norm=identity }
shortcut plain { same: identity; change: conv 5x5, out, /stride -> identity }
block inherit(width) { residual conv 3x3, width, /stride; shortcut }
block down(act) = act -> maxpool 2x2, /2
"""
NETWORK = "network n { input 3x16x16; OPTION; stem STEM; head avgpool -> fc 4 }"


def made(folder: Path, stem: str, option: str = "shortcut G 3x3") -> Network:
    path = folder / "n.res"
    text = NETWORK.replace("OPTION", option).replace("STEM", stem)
    path.write_text(BLOCKS + text, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("cna 3x3, 8, norm=gn(groups=2)", "conv 3x3, 8 -> gn groups=2 -> relu"),
        ("cna 3x3, 8, act=leaky_relu(0.2)", "conv 3x3, 8 -> bn -> leaky_relu 0.2"),
        ("down pad(1, 1, 1, 1, mode=reflect)", "pad 1, 1, 1, 1, mode=reflect -> maxpool 2x2, /2"),
        ("down maxpool(3x3, /2)", "maxpool 3x3, /2 -> maxpool 2x2, /2"),
        ("2 x basic 8, cna(1x1, act=silu)", "2 x basic 8, cna(act=silu, size=1x1)"),
        ("basic 8, conv(kernel_size=1x1)", "basic 8, conv(1x1)"),
        ("basic 8, groups=1 + 1, /2", "basic 8, cna(3x3), 2, /2"),
    ],
)
def test_given_arguments_are_those_of_a_call(given: str, written: str, tmp_path: Path) -> None:
    expected = fingerprint(made(tmp_path, written))
    network = made(tmp_path, given)
    assert fingerprint(network) == expected
    assert_twins(network)


def test_more_arguments_can_be_given_later(tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    constants = "let unit = cna(1x1)\nlet quiet = unit(act=silu)\n"
    network = NETWORK.replace("OPTION", "shortcut none").replace("STEM", "quiet 8 -> unit 8, gn(2)")
    path.write_text(BLOCKS + constants + network, encoding="utf-8")
    written = "cna 1x1, 8, act=silu -> cna 1x1, 8, norm=gn(groups=2)"
    assert fingerprint(load(path)) == fingerprint(made(tmp_path, written))


def test_a_block_that_is_handed_to_itself_ends(tmp_path: Path) -> None:
    nested = made(tmp_path, "level 8, level(12, level(16, identity))")
    assert "level1.level1.level1.conv2.weight" in build(nested).state_dict()
    assert_twins(nested)
    inner = "conv 3x3, 16 -> identity -> conv 3x3, 16"
    written = f"conv 3x3, 8 -> {{ conv 3x3, 12 -> {{ {inner} }} -> conv 3x3, 12 }} -> conv 3x3, 8"
    assert nested.output == made(tmp_path, written).output


@pytest.mark.parametrize(
    ("stem", "option", "written", "named"),
    [
        ("basic 8, /2", "shortcut G 3x3", "basic 8, /2", "shortcut G3"),
        ("basic 8", "shortcut G 1x1, gn(groups=8)", "basic 8", "shortcut G1"),
        ("basic 8", "shortcut G 1x1, norm=gn(8)", "basic 8", "shortcut G1"),
        ("handing 8, G, 3x3, /2", "shortcut none", "inherit 8, /2", "shortcut G3"),
        ("handing 8, G(norm=gn(8)), 1x1", "shortcut none", "inherit 8", "shortcut G1"),
        ("naming 8, /2", "shortcut none", "inherit 8, /2", "shortcut plain"),
    ],
)
def test_options_take_parameters(
    stem: str, option: str, written: str, named: str, tmp_path: Path
) -> None:
    network = made(tmp_path, f"unit: {stem}", option)
    assert fingerprint(network) == fingerprint(made(tmp_path, f"unit: {written}", named))
    assert_twins(network)


def test_values_from_outside(tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    network = NETWORK.replace("n {", "n(unit=basic, option=G3) {").replace(
        "OPTION", "shortcut option"
    )
    path.write_text(BLOCKS + network.replace("STEM", "unit 8"), encoding="utf-8")
    found = load(path, unit="basic(groups=2)", option="G(1x1, norm=gn(8))")
    expected = made(tmp_path, "basic 8, groups=2", "shortcut G1")
    assert fingerprint(found) == fingerprint(expected)


@pytest.mark.parametrize(
    ("stem", "code"),
    [
        ("basic 8, cna(1x1, act=silu, act=relu)", "E0210"),
        ("basic 8, cna(1x1, 8)", "E0240"),  # the caller's channels are the next argument, `norm`
        ("basic 8, cna(kernel=3x3)", "E0203"),
        ("down maxpool(3x3, /2, /2)", "E0210"),
        ("down relu(/2)", "E0211"),
        ("down cna", "E0206"),
        ("basic 8, unknown(3)", "E0201"),
        ("handing 8, G(3x3, /2), bn", "E0211"),
        ("handing 8, G(3x3, bn), 3x3", "E0205"),
    ],
)
def test_mistakes(stem: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    text = NETWORK.replace("OPTION", "shortcut G 3x3").replace("STEM", stem)
    path.write_text(BLOCKS + text, encoding="utf-8")
    assert code in {found.code for found in check(path)}
