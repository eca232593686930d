"""Calls: how arguments are bound, what a stride means, what `in` and `stride` are, where names are
looked up.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.ir.ops import Layer
from resspec.ir.ops.conv import Conv
from tests.specs.tensors import operations
from tests.texts import chain, codes, load_text


def first(folder: Path, steps: str, before: str = "") -> Layer:
    return all_layers(folder, steps, before)[0]


def all_layers(folder: Path, steps: str, before: str = "", size: str = "8x16x16") -> list[Layer]:
    return [op.layer for _, op in operations(load_text(folder, chain(steps, before, size)))]


SAME = [
    ("conv 3x3, 8", "conv 3, 8"),
    ("conv 3x3, 8", "conv kernel_size=3x3, out_channels=8"),
    ("conv 3x3, 8", "conv 3x3, out_channels=8"),
    ("conv 3x3, 8", "conv 3x3, 8, padding=1, dilation=1, groups=1, bias=false, /1"),
    ("conv 3x3, 8", "conv 3x3, /1x1, 8"),
    ("conv 3x5, 8", "conv 3x5, 8, padding=1x2"),
    ("conv 3x3, 8, dilation=2x3", "conv 3x3, 8, padding=2x3, dilation=2x3"),
    ("conv 2x3, 8", "conv 2x3, 8, padding=0x1"),
    ("conv 3x3, 2 * (8 - 4), /(1 + 1)", "conv 3x3, 8, /2"),
    ("maxpool 3x3, /2", "maxpool 3x3, /2, padding=1, ceil=false"),
    ("maxpool 2x2, ceil=true", "maxpool 2x2, /1, padding=0, ceil_mode=true"),
    ("avgpool 2x2, count_padding=false", "avgpool 2x2, count_include_pad=false"),
    ("gn 4", "gn groups=4"),
    ("gn 4", "gn num_groups=4, affine=true"),
    ("bn", "bn eps=1e-5, momentum=0.1"),
    ("bn eps=1 / 1000", "bn eps=0.001"),
    ("dropout 1 / 2", "dropout p=0.5"),
    ("layer_scale", "layer_scale 1e-6"),
    ("chunk 2, 1", "chunk chunks=2, part=1"),
    ("slice 0, 4", "slice start=0, stop=4"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_same_layer(tmp_path: Path, one: str, other: str) -> None:
    assert first(tmp_path, one) == first(tmp_path, other)


@pytest.mark.parametrize(
    ("size", "padding"),
    [
        ("1", 0),
        ("3", 1),
        ("5", 2),
        ("7", 3),
        ("3, dilation=2", 2),
        ("5, dilation=3", 6),
        ("2", 0),
        ("4, dilation=2", 0),
    ],
)
def test_default_padding(tmp_path: Path, size: str, padding: int) -> None:
    """dilation * (k // 2) where k is odd, which keeps the size; nothing where it is even."""
    layer = first(tmp_path, f"conv out_channels=4, kernel_size={size}")
    assert isinstance(layer, Conv) and layer.padding == (padding, padding)


def test_fc_has_a_bias_and_flattens_and_conv_has_none(tmp_path: Path) -> None:
    found = [
        op for _, op in operations(load_text(tmp_path, chain("conv 3x3, 4 -> fc 10", size="8x6x6")))
    ]
    assert [list(op.layer.parameters(op.input)) for op in found] == [["weight"], ["weight", "bias"]]
    assert [str(op.input) for op in found] == ["8x6x6", "144"]


# --- strides ---


def strides(folder: Path, steps: str, before: str = "") -> list[tuple[int, int]]:
    return [layer.stride for layer in all_layers(folder, steps, before) if isinstance(layer, Conv)]


UNIT = "block unit(w) { conv 3x3, w, /stride -> conv 3x3, w }\n"
PAIR = "block pair(w) = 2 x conv 3x3, w, /stride\n"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("3 x conv 3x3, 8, /2", [2, 1, 1]),
        ("3 x unit 8, /2", [2, 1, 1, 1, 1, 1]),
        ("2 x 2 x conv 3x3, 8, /2", [2, 1, 1, 1]),  # the first of all
        ("pair 8, /2", [2, 1]),
        ("2 x pair 8, /2", [2, 1, 1, 1]),
        ("2 x { conv 3x3, 8, /2 }", [2, 2]),  # in braces it is not the repeated call's own
        ("2 x { unit 8, /2 -> conv 1x1, 8 }", [2, 1, 1, 2, 1, 1]),
        ("a0..: 2 x unit 8, /2", [2, 1, 1, 1]),
        ("3 x conv 3x3, 8, /1", [1, 1, 1]),
        ("1 x conv 3x3, 8, /2", [2]),
    ],
)
def test_a_stride_goes_to_the_first_repetition(
    tmp_path: Path, steps: str, expected: list[int]
) -> None:
    assert strides(tmp_path, steps, UNIT + PAIR) == [(s, s) for s in expected]


def test_a_rectangular_stride_is_handed_on(tmp_path: Path) -> None:
    assert strides(tmp_path, "unit 8, /1x2", UNIT) == [(1, 2), (1, 1)]


@pytest.mark.parametrize(
    "steps", ["relu /2", "bn /1", "fc 4, /2", "plain 8, /2", "3 x plain 8, /2", "identity /2"]
)
def test_an_unused_stride_is_an_error(tmp_path: Path, steps: str) -> None:
    assert codes(tmp_path, chain(steps, "block plain(w) { conv 3x3, w }")) == ["E0211"]


def test_a_block_that_hands_its_stride_on_uses_it(tmp_path: Path) -> None:
    before = (
        UNIT
        + "block outer(w) { relu -> unit w, /stride }\nblock let_it { let s = stride; conv 1x1, s }\n"
    )
    assert strides(tmp_path, "outer 8, /2", before) == [(2, 2), (1, 1)]
    assert codes(tmp_path, chain("let_it /2", before)) == []


def test_stride_is_1_where_none_was_given(tmp_path: Path) -> None:
    assert strides(tmp_path, "unit 8", UNIT) == [(1, 1), (1, 1)]


# --- in, stride, parameters ---


def widths(folder: Path, steps: str, before: str) -> list[int]:
    return [
        layer.out_channels for layer in all_layers(folder, steps, before) if isinstance(layer, Conv)
    ]


@pytest.mark.parametrize(
    ("before", "steps", "expected"),
    [
        # fixed for the whole body: merges, braces and steps on the way do not change it
        (
            "block b { conv 1x1, 2 * in -> { conv 1x1, in } -> concat { conv 1x1, in | conv 1x1, 3 * in } }",
            "b",
            [16, 8, 8, 24],
        ),
        # arguments are evaluated by the caller
        (
            "block inner(w) { conv 1x1, 4 -> conv 1x1, w }\nblock b { conv 1x1, 32 -> inner in }",
            "b",
            [32, 4, 8],
        ),
        # defaults are evaluated in the callee
        ("block inner(w=in) { conv 1x1, w }\nblock b { conv 1x1, 32 -> inner }", "b", [32, 32]),
        ("block b(w, t=2, v=t * w) { conv 1x1, v }", "b 6 -> b 6, 3 -> b 6, v=5", [12, 18, 5]),
        ("block b(s=stride) { conv 1x1, 4 * s, /stride }", "b /2 -> b", [8, 4]),
        # constants of a block, in order
        ("block b(w) { let half = w / 2; let more = half + in; conv 1x1, more }", "b 8", [12]),
        # sizes, blocks, options, booleans and numbers are parameters
        (
            "block b(size, act, w, bias) = conv size, w, bias=bias -> act",
            "b 3x1, relu, 4, true -> b 1, gelu, 6, false",
            [4, 6],
        ),
        (
            "block u(w) = conv 1x1, w\nblock b(f, w) { f w -> f w=2 * w }",
            "b u, 4 -> b w=6, f=u",
            [4, 8, 6, 12],
        ),
        ("block u(w) = conv 1x1, w\nblock v(f) { f 5 }\nblock b(f) { v f }", "b u", [5]),
        # own declarations win, order is free
        ("block b { conv 1x1, k }\nlet k = m + 1\nlet m = 4", "b", [5]),
        (
            "let k = 4\nblock b(k) { conv 1x1, k }\nblock c { let k = 7; conv 1x1, k }",
            "b 5 -> c",
            [5, 7],
        ),
    ],
)
def test_names_and_parameters(tmp_path: Path, before: str, steps: str, expected: list[int]) -> None:
    assert widths(tmp_path, steps, before) == expected


def test_equal_arguments_of_different_kinds_are_not_the_same_call(tmp_path: Path) -> None:
    assert codes(tmp_path, chain("b true -> b 1", "block b(flag) { conv 1x1, 3, bias=flag }")) == [
        "E0207"
    ]


def test_a_block_is_lowered_for_each_input(tmp_path: Path) -> None:
    layers = all_layers(tmp_path, "b -> conv 1x1, 4 -> b", "block b { conv 3x3, in, groups=in }")
    assert [layer.groups for layer in layers if isinstance(layer, Conv)] == [8, 1, 4]


@pytest.mark.parametrize(
    "clauses",
    [
        "head conv 1x1, in",
        "head conv 1x1, 4, /stride",
        "head 2 x { conv 1x1, in }",
        "stage s: drop_path index / 10",
        "stage s: drop_path 1 / count",
        "head b 3, in",  # the caller is the network
        "let w = in; head conv 1x1, w",
        "head conv 1x1, out",
    ],
)
def test_words_that_have_no_value_outside_of_blocks(tmp_path: Path, clauses: str) -> None:
    block = "block b(v, w=1) { conv 1x1, v -> conv 1x1, w }\n"
    assert codes(tmp_path, f"{block}network n {{ input 8x8x8; {clauses} }}") == ["E0220"]


@pytest.mark.parametrize(
    "declaration", ["block c { conv 1x1, out }", "let w = in", "let w = index + 1"]
)
def test_words_that_have_no_value_in_a_declaration(tmp_path: Path, declaration: str) -> None:
    assert codes(tmp_path, declaration) == ["E0220"]


def test_the_arguments_of_a_replacement_belong_to_the_network(tmp_path: Path) -> None:
    text = "network n(g=2) { input 8x8x8; replace bn: gn groups=2 * g; head bn eps=1e-3 -> bn scale=0 -> relu }"
    layers = [op.layer for _, op in operations(load_text(tmp_path, text))]
    assert layers[0] == layers[1] == first(tmp_path, "gn 4")
