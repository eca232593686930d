"""The five rules for the names of parameters (grammar/README.md), and what cannot be a name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from resspec.ir.nodes import Repeat
from resspec.lowering.module_attributes import MODULE_ATTRIBUTES
from resspec.lowering.names import MAX_PARTS
from tests.texts import chain, check_text, codes, layers, load_text

CONV_BN = "block unit(width) { conv 3x3, width, /stride -> bn }\nblock short(width) = conv 3x3, width, /stride -> bn\n"
ONES = """
block one(width) = conv 3x3, width, /stride
block one_of_one(width) = one width, /stride
block turns(n) = n x bn
block braced(width) = { conv 3x3, width, /stride }
block with_label(width) = conv: conv 3x3, width, /stride
block classes(n) = fc n
block many(width) = sequential { short width, /stride }
"""


def named(folder: Path, clauses: str, before: str = CONV_BN + ONES) -> list[str]:
    return layers(load_text(folder, f"{before}\nnetwork n {{ input 3x8x8; {clauses} }}"))


CASES = {
    # rule 4: by kind and number in the network and in a module; a lone fc is fc
    "head conv 3x3, 4 -> bn -> conv 3x3, 4 -> bn": ["conv1", "bn1", "conv2", "bn2"],
    "head unit 4 -> unit 4": ["unit1.conv1", "unit1.bn1", "unit2.conv1", "unit2.bn1"],
    "head avgpool -> fc 4": ["avgpool1", "fc"],
    "head fc 4 -> relu -> fc 4": ["fc1", "relu1", "fc2"],
    "head fc 4 -> relu -> last: fc 4": ["fc", "relu1", "last"],
    "head 2 x fc 4": ["fc1", "fc2"],
    "head 1 x fc 4": ["fc"],
    # rule 4: by position in a numbered scope, every layer counted, identity and labelled ones too
    "stage s: conv 3x3, 4 -> identity -> bn": ["s.0", "s.1", "s.2"],
    "stage s: conv 3x3, 4 -> own: bn -> relu": ["s.0", "s.own", "s.2"],
    "stage s: unit 4 -> relu": ["s.0.conv1", "s.0.bn1", "s.1"],
    "stage s: 1 x fc 4": ["s.0"],
    # rule 2: an abbreviation's steps are named as if written at the call
    "stem short 4; head short 4": ["conv1", "bn1", "conv2", "bn2"],
    "stage s: short 4 -> relu": ["s.0", "s.1", "s.2"],
    # rule 2: merges, paths, repeats and bare braces open none; a path that is only identity has no
    # step
    "head add { conv 3x3, 4 | bn -> conv 3x3, 4 } -> bn": ["conv1", "bn1", "conv2", "bn2"],
    "stage s: concat { identity | conv 3x3, 4 } -> bn": ["s.0", "s.1"],
    "stage s: concat { identity -> relu | conv 3x3, 4 } -> bn": ["s.0", "s.1", "s.2", "s.3"],
    "head { { conv 3x3, 4 } -> { bn } } -> bn": ["conv1", "bn1", "bn2"],
    "head 2 x { conv 3x3, 3 -> bn } -> bn": ["conv1", "bn1", "conv2", "bn2", "bn3"],
    "stage s: relu -> 2 x { bn -> relu }": ["s.0", "s.1", "s.2", "s.3", "s.4"],
    "head 2 x { bn -> 2 x { conv 1x1, 3 -> bn } } -> bn": [
        "bn1", "conv1", "bn2", "conv2", "bn3", "bn4", "conv3", "bn5", "conv4", "bn6", "bn7"],
    "head 2 x 3 x bn": ["bn1", "bn2", "bn3", "bn4", "bn5", "bn6"],
    "head 0 x bn -> bn": ["bn1"],
    # rule 3: a label names a layer or a module; on anything else it opens a numbered scope
    "head own: conv 3x3, 4 -> conv 3x3, 4": ["own", "conv1"],
    "head own: unit 4": ["own.conv1", "own.bn1"],
    "head own: short 4": ["own.0", "own.1"],
    "head own: { unit 4 -> relu }": ["own.0.conv1", "own.0.bn1", "own.1"],
    "head own: add { bn | relu -> bn }": ["own.0", "own.1", "own.2"],
    "head own: 2 x bn": ["own.0", "own.1"],
    "head own: { bn }": ["own.0"],
    "head own: 1 x bn": ["own.0"],
    # an abbreviation of one call stands for it; a label that it has itself stays
    "head own: one 4 -> one 4": ["own", "conv1"],
    "head own: one_of_one 4": ["own"],
    "head own: turns 1": ["own.0"],
    "head own: braced 4": ["own.0"],
    "head own: with_label 4": ["own.conv"],
    "head own: classes 4": ["own"],
    "head own: many 4 -> many 4": ["own.0", "own.1", "sequential1.0", "sequential1.1"],
    # a stage's label is as any
    "stage s: conv 3x3, 4": ["s"],
    "stage a.s: unit 4": ["a.s.conv1", "a.s.bn1"],
    "stage s: own: unit 4": ["s.own.conv1", "s.own.bn1"],
    "stage s: 1 x unit 4": ["s.0.conv1", "s.0.bn1"],
    "stage s: fc 4": ["s"],
    "stage s: many 4": ["s.0", "s.1"],
    "stage s: many 4 -> relu": ["s.0.0", "s.0.1", "s.1"],
    "stage s7..: many 4": ["s7.0", "s7.1"],
    # `sequential` is one step, numbered within
    "head sequential { bn } -> sequential { unit 4 -> relu }": [
        "sequential1.0", "sequential2.0.conv1", "sequential2.0.bn1", "sequential2.1"],
    "stage s: 2 x sequential { bn -> relu }": ["s.0.0", "s.0.1", "s.1.0", "s.1.1"],
    "stage s: x7..: sequential { bn } -> own: sequential { bn }": ["s.x7.0", "s.own.0"],
    "head top: sequential { fc 4 -> last: relu }": ["top.0", "top.last"],
    "head outer: { inner: { bn } -> bn }": ["outer.inner.0", "outer.1"],
    # rule 1: a dot opens nested scopes, shared by all who name them
    "stem body.a: bn -> body.b.c: bn; head body.d: bn": ["body.a", "body.b.c", "body.d"],
    "stage body.0: bn -> relu; head body.1: bn": ["body.0.0", "body.0.1", "body.1"],
    "head a-1.x_2: { bn }": ["a-1.x_2.0"],
    "stage s: own.a: bn -> relu -> own.b: bn": ["s.own.a", "s.1", "s.own.b"],
    # rule 5: `name7..:` numbers the steps of what follows, in the surrounding scope
    "stage body.2..: 2 x unit 4": ["body.2.conv1", "body.2.bn1", "body.3.conv1", "body.3.bn1"],
    "stage b0..: 2 x short 4 -> relu": ["b0", "b1", "b2", "b3", "b4"],
    "stage b8..: 2 x { bn -> relu } -> bn": ["b8", "b9", "b10", "b11", "b12"],
    "stage 5..: bn -> own: bn -> bn": ["5", "own", "7"],
    "stage x: y1..: 2 x unit 4 -> bn": ["x.y1.conv1", "x.y1.bn1", "x.y2.conv1", "x.y2.bn1", "x.0"],
    "stem a1..: bn; head a2..: bn": ["a1", "a2"],
    "head a.b-3..: 2 x bn": ["a.b-3", "a.b-4"],
    # an implied flattening has no name, and stays before the scope that a label opens
    "head own: { fc 4 -> relu }": ["own.0", "own.1"],
    # numbers are a part of the text: the twelfth of u2 is u212
    "stage s: own: { relu6 -> relu6 }; head relu6": ["s.own.0", "s.own.1", "relu61"],
}  # fmt: skip


@pytest.mark.parametrize("clauses", CASES)
def test_names(tmp_path: Path, clauses: str) -> None:
    assert named(tmp_path, clauses) == CASES[clauses]


def test_names_of_a_residual_block(tmp_path: Path) -> None:
    """F and h are paths; a shortcut opens `downsample`, or what its label says."""
    block = "block unit(width) {{ residual conv 3x3, width, /stride -> bn; {}; after relu -> bn }}"
    option = "shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }\n"
    steps = "stage s: unit 3 -> unit 4"
    assert named(tmp_path, steps, option + block.format("shortcut B")) == [
        "s.0.conv1", "s.0.bn1", "s.0.relu1", "s.0.bn2",
        "s.1.conv1", "s.1.bn1", "s.1.downsample.0", "s.1.downsample.1", "s.1.relu1", "s.1.bn2",
    ]  # fmt: skip
    assert "s.1.proj.0" in named(tmp_path, steps, option + block.format("shortcut proj: B"))


def test_the_shortcut_before_the_residual_is_named_first(tmp_path: Path) -> None:
    option = "shortcut C { same: conv 1x1, out; change: conv 1x1, out }\n"
    block = option + "block unit(width) { shortcut C; residual bn -> conv 3x3, width }"
    assert named(tmp_path, "head unit 3", block) == [
        "unit1.downsample",
        "unit1.bn1",
        "unit1.conv1",
    ]


def test_a_replaced_layer_keeps_its_name(tmp_path: Path) -> None:
    assert named(tmp_path, "replace bn: gn groups=1; head conv 3x3, 4 -> bn -> bn") == [
        "conv1",
        "bn1",
        "bn2",
    ]


def test_a_block_handed_over_is_named_by_what_it_is(tmp_path: Path) -> None:
    before = CONV_BN + "block outer(act, part) { act -> part 4 }\nlet swish = silu\n"
    assert named(tmp_path, "head outer gelu, unit -> swish", before) == [
        "outer1.gelu1",
        "outer1.unit1.conv1",
        "outer1.unit1.bn1",
        "silu1",
    ]


DUPLICATES = [
    "head a: bn -> a: bn",
    "head bn1: conv 3x3, 4 -> bn",
    "head bn -> bn1: conv 3x3, 4",
    "stage s: bn -> 0: bn",
    "stage s: bn; head s: bn",
    "stem body.a: bn; head body.a: bn",
    "stem body: { bn }; head body.0: bn",
    "head body.a: bn -> body: { bn }",
    "head 2 x { a: bn }",
    "head 2 x { a1..: bn }",
    "stage a1..: 3 x bn; head a3: bn",
    "head 12 x bn -> bn11: bn",
    "head relu6 -> 61 x relu",  # relu61, twice
    "stage 1: bn; stage 1..: bn",
]


@pytest.mark.parametrize("clauses", DUPLICATES)
def test_two_modules_of_one_name_are_refused(tmp_path: Path, clauses: str) -> None:
    assert codes(tmp_path, f"network n {{ input 3x8x8; {clauses} }}") == ["E0235"]


def test_a_dotted_label_adds_to_a_row_that_a_label_opened(tmp_path: Path) -> None:
    later = "stem body: {{ conv 3x3, 4 -> add {{ bn | gelu }} }} {} body.7: bn; head body.x.0: bn"
    row = [layers(load_text(tmp_path, net(later.format(end)))) for end in ("->", "; stage")]
    assert row == [["body.0", "body.1", "body.2", "body.7", "body.x.0"]] * 2


TAKEN = [
    "stem body: { bn -> relu } -> body.1: bn",
    "stem body: { add { bn | relu } }; stage body.1: bn",
    "stem body: { x.a: bn -> relu }; stage body.x.b: bn",
    "stem body: { 3 x bn }; head body.2..: bn",
    "stem body: sequential { bn -> bn }; head body: { bn -> bn }",
    "stem body: unit; head body.bn2: bn",
]


@pytest.mark.parametrize("clauses", TAKEN)
def test_what_a_row_holds_is_taken(tmp_path: Path, clauses: str) -> None:
    assert codes(tmp_path, f"block unit {{ bn }}\n{net(clauses)}") == ["E0235"]


def net(clauses: str) -> str:
    return f"network n {{ input 3x8x8; {clauses} }}"


@pytest.mark.parametrize(
    "label", ["type", "half", "forward", "a.train", "training", "__init__", "__x", "a.__x", "a..b"]
)
def test_labels_that_cannot_name_a_module(tmp_path: Path, label: str) -> None:
    (found,) = check_text(tmp_path, chain(f"{label}: bn"))
    assert (found.code, found.labels[0].span.text) == ("E0234", label)


def test_dots_are_limited(tmp_path: Path) -> None:
    assert codes(tmp_path, chain(".".join("a" * MAX_PARTS) + ": bn")) == []
    assert codes(tmp_path, chain(".".join("a" * (MAX_PARTS + 1)) + ": bn")) == ["E0234"]
    assert codes(tmp_path, chain(".".join("a" * 100_000) + ": bn")) == ["E0234"]


def test_long_numbers_are_text(tmp_path: Path) -> None:
    label = "a" + "9" * 5000
    assert layers(load_text(tmp_path, chain(f"{label}: bn"))) == [label]


def test_words_of_the_language_are_labels(tmp_path: Path) -> None:
    steps = "in: bn -> x: bn -> stem: bn -> network: bn -> true: bn -> conv: bn"
    assert layers(load_text(tmp_path, chain(steps))) == [
        "in",
        "x",
        "stem",
        "network",
        "true",
        "conv",
    ]


def test_torch_has_no_more_attributes() -> None:
    """Names that start with two underscores are refused as such."""
    attributes = {name for name in dir(torch.nn.Module()) if not name.startswith("__")}
    assert attributes <= MODULE_ATTRIBUTES


def test_every_name_that_is_allowed_can_be_added_to_a_module(tmp_path: Path) -> None:
    module = torch.nn.Module()
    for name in [
        "weight",
        "self",
        "class",
        "0",
        "block2-0",
        "a_b",
        "_x",
        "None",
        "nn",
        "conv1",
        "downsample",
    ]:
        assert codes(tmp_path, chain(f"{name}: bn")) == []
        module.add_module(name, torch.nn.Identity())


def test_symbolic_repeat_of_a_module(tmp_path: Path) -> None:
    body = (
        load_text(tmp_path, CONV_BN + "network n { input 4x8x8; head 1000 x unit 4 }")
        .sections[0]
        .body
    )
    assert isinstance(body, Repeat) and body.count == 1000
