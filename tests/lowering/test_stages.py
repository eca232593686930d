"""`stages`, lists, and labels that count on: what they make is what is written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resspec.backends.module import build
from resspec.backends.source import emit
from resspec.compiler import check, load
from resspec.diagnostics import SpecError, UsageError
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.parameters import Parameter
from tests.backends.test_source import assert_twins

UNITS = """
let widths = [8, 16]
block unit(width, k=3) { residual conv k, width, /stride -> bn; shortcut B; after relu }
block plain(width, k=3) = conv k, width, /stride -> relu
shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }
"""


def made(folder: Path, text: str, **parameters: Any) -> Network:
    path = folder / "n.res"
    path.write_text(UNITS + text, encoding="utf-8")
    return load(path, network="n", **parameters)


def of_stages(clauses: str, parameters: str = "") -> str:
    return f"network n{parameters} {{ input 3x16x16; {clauses}; head avgpool -> fc 4 }}"


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (
            "stages layer1..: [1, 2] x unit [8, 16], /[1, 2]",
            "stage layer1: 1 x unit 8, /1; stage layer2: 2 x unit 16, /2",
        ),
        (
            "stages layer1..: 2 x unit 4 * widths // 2, k=[3x3, 1]",
            "stage layer1: 2 x unit 16, k=3x3; stage layer2: 2 x unit 32, k=1",
        ),
        (
            "let wider = max(2 * widths, 24); stages body.a3..: unit wider -> relu",
            "stage body.a3: unit 24 -> relu; stage body.a4: unit 32 -> relu",
        ),
        (
            "let kinds = [unit, plain]; stages a1..: kinds 8 if [true, false] else 4",
            "stage a1: unit 8; stage a2: plain 4",
        ),
        (
            "let kinds = [unit(k=1), plain]; stages a1..: 2 x kinds 8",
            "stage a1: 2 x unit 8, k=1; stage a2: 2 x plain 8",
        ),
        (
            "stages features..: [1, 2, 1] x plain 8 -> maxpool 2x2, /2",
            """stage features.0..: plain 8 -> maxpool 2x2, /2
            stage features.3..: 2 x plain 8 -> maxpool 2x2, /2
            stage features.8..: plain 8 -> maxpool 2x2, /2""",
        ),
        (
            "stage f.2..: plain 8; stage f..: plain 8 -> g..: plain 8 -> g..: plain 4",
            "stage f.2..: plain 8; stage f.4..: plain 8 -> g.0..: plain 8 -> g.2..: plain 4",
        ),
    ],
)
def test_stages_are_those_written_out(short: str, long: str, tmp_path: Path) -> None:
    network, expected = made(tmp_path, of_stages(short)), made(tmp_path, of_stages(long))
    assert fingerprint(network) == fingerprint(expected)
    assert [each.label for each in network.sections] == [each.label for each in expected.sections]
    assert_twins(network)


def test_emitted_source_has_one_class_for_a_block_whose_strides_are_a_list(tmp_path: Path) -> None:
    clauses = "let strides = [1, 2]; stages layer1..: 2 x unit [8, 16], /strides"
    assert emit(made(tmp_path, of_stages(clauses))).count("class Unit") == 1


@pytest.mark.parametrize("n", ["1,2", "[1, 2]", "1, 2", [1, 2]])
def test_lists_from_outside(n: Parameter, tmp_path: Path) -> None:
    network = of_stages("stages layer1..: n x unit widths", "(n)")
    given = made(tmp_path, network, n=n)
    written = made(tmp_path, of_stages("stages layer1..: [1, 2] x unit widths"))
    assert fingerprint(given) == fingerprint(written)
    assert_twins(given)


def test_lists_of_names_and_sizes_from_outside(tmp_path: Path) -> None:
    network = of_stages("stages layer1..: units widths, k=sizes", "(units, sizes)")
    given = made(tmp_path, network, units=["unit", "plain(k=3)"][:1] * 2, sizes=[(3, 1), 5])
    written = of_stages("stages layer1..: unit widths, k=[3x1, 5]")
    assert fingerprint(given) == fingerprint(made(tmp_path, written))
    with pytest.raises(UsageError):
        made(tmp_path, network, units=[], sizes=3)


def test_a_tuple_is_a_size(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        made(tmp_path, of_stages("stages layer1..: n x unit widths", "(n)"), n=(1, 2))


def test_a_derived_network_replaces_one_of_the_stages(tmp_path: Path) -> None:
    base = of_stages("stages layer1..: n x unit widths", "(n=[1, 2])").replace("n(", "base(")
    derived = f"{base}\nnetwork n = base n=[2, 1] {{ stage layer2: 3 x unit 12 }}"
    network = made(tmp_path, derived)
    written = of_stages("stage layer1: 2 x unit 8; stage layer2: 3 x unit 12")
    assert fingerprint(network) == fingerprint(made(tmp_path, written))
    assert_twins(network)


def test_numbers_count_on_in_each_module(tmp_path: Path) -> None:
    block = "block seq(w) { body..: plain w -> body..: plain w }\n"
    network = made(tmp_path, block + of_stages("stem seq 4 -> seq 8"))
    convs = [name for name in build(network).state_dict() if name.endswith("weight")]
    assert convs[:4] == [
        "seq1.body.0.weight",
        "seq1.body.2.weight",
        "seq2.body.0.weight",
        "seq2.body.2.weight",
    ]


@pytest.mark.parametrize(
    ("clauses", "codes"),
    [
        ("stages layer1..: 2 x unit 8", {"E0257"}),
        ("stages layer1: unit widths", {"E0234"}),
        ("stages layer1..: unit [8, 16], /[1, 2, 2]", {"E0256"}),
        ("stages layer1..: unit widths * [1, 2, 3]", {"E0256"}),
        ("let w = widths + [1, 2, 3]; stages layer1..: unit w", {"E0256"}),
        ("stage layer1: unit widths", {"E0255"}),
        ("stage layer1: [1, 2] x unit 8", {"E0255"}),
        ("stage layer1: widths x unit 8", {"E0255"}),
        ("stem conv [3, 3], 8", {"E0255"}),
        ("stem unit 8 if widths else 4", {"E0207"}),
        ("stages layer1..: unit [8, none]", {"E0207"}),
        ("stages layer1..: nit widths", {"E0201"}),
        ("3 x { a..: plain 8 }", {"E0244"}),
        ("stem 3 x { a..: plain 8 }", {"E0235"}),
    ],
)
def test_mistakes(clauses: str, codes: set[str], tmp_path: Path) -> None:
    path = tmp_path / "n.res"
    path.write_text(UNITS + of_stages(clauses), encoding="utf-8")
    assert {found.code for found in check(path)} == codes
