"""Residual blocks: which arm of the shortcut, what each path reads, in which order, and what init
and drop_path mean.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.ir.init import Init
from resspec.ir.nodes import Located, Op, Parallel, Repeat, Scope, Series
from resspec.ir.ops.layer import Ramp
from resspec.ir.ops.regularize import DropPathOp
from tests.specs.tensors import operations
from tests.texts import check_text, codes, load_text

OPTION = "shortcut O { same: identity; widen: gelu -> conv 1x1, out; narrow: slice 0, out; change: subsample /stride -> pad_channels out }\n"


def sketch(located: Located) -> str:
    """The structure: kinds in a row, merges in braces with the residual marked, scopes of shortcuts
    in brackets.
    """
    inside = [sketch(part) for part in located.parts]
    match located.node:
        case Op(layer=layer):
            return layer.kind if located.name else "-"
        case Series():
            return " ".join(inside) or "x"
        case Parallel(merge=merge, residual=residual):
            paths = [("F: " if i == residual else "") + path for i, path in enumerate(inside)]
            return f"{merge}{{{' | '.join(paths)}}}"
        case Repeat(count=count):
            return f"{count}({inside[0]})"
        case Scope():
            return f"[{inside[0]}]"


def block(
    folder: Path, clauses: str, steps: str = "b 8", option: str = "O", size: str = "8x8x8"
) -> str:
    text = f"{OPTION}block b(width) {{ {clauses} }}\nnetwork n {{ input {size}; shortcut {option}; head {steps} }}"
    return sketch(load_text(folder, text).sections[0].located)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("b 8", "[add{F: conv bn | x}]"),  # same
        ("b 12", "[add{F: conv bn | [gelu conv]}]"),  # widen
        ("b 8, /2", "[add{F: conv bn | [subsample pad_channels]}]"),  # change: a stride
        ("b 4", "[add{F: conv bn | slice}]"),  # narrow
        ("b 12, /2", "[add{F: conv bn | [subsample pad_channels]}]"),
        ("b 8, /1x2", "[add{F: conv bn | [subsample pad_channels]}]"),
        ("b 8, /1", "[add{F: conv bn | x}]"),
        ("b 8, /1x1", "[add{F: conv bn | x}]"),
    ],
)
def test_arm(tmp_path: Path, steps: str, expected: str) -> None:
    assert block(tmp_path, "residual conv 3x3, width, /stride -> bn; shortcut", steps) == expected


def test_the_arm_does_not_depend_on_the_picture(tmp_path: Path) -> None:
    """At 1x1 a stride changes no size, and yet the arm is `change`: the parameters are those of any
    other picture.
    """
    clauses = "residual conv 3x3, width, /stride -> bn; shortcut"
    assert block(tmp_path, clauses, "b 8, /2", size="8x1x1") == block(
        tmp_path, clauses, "b 8, /2", size="8x64x64"
    )


def test_widen_falls_back_to_change_and_nothing_else_does(tmp_path: Path) -> None:
    block = "block b(w) {{ residual conv 3x3, w, /stride; shortcut S }}\nshortcut S {{ {} }}\n"
    text = block + "network n {{ input 8x8x8; head {} }}"
    assert (
        codes(tmp_path, text.format("same: identity; change: conv 1x1, out, /stride", "b 12")) == []
    )
    assert codes(tmp_path, text.format("same: identity; widen: conv 1x1, out", "b 8, /2")) == [
        "E0309"
    ]
    assert codes(tmp_path, text.format("change: conv 1x1, out, /stride", "b 8")) == ["E0309"]


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        ("residual conv 3x3, width; shortcut identity", "[add{F: conv | x}]"),
        ("residual conv 3x3, width; shortcut none", "[conv]"),
        ("residual conv 3x3, width; shortcut none; after relu", "[conv relu]"),
        ("residual conv 3x3, width; shortcut", "[add{F: conv | x}]"),
        ("residual conv 3x3, width", "[add{F: conv | x}]"),  # no clause is the network's option too
        (
            "after relu -> gelu; shortcut identity; residual conv 3x3, width",
            "[add{x | F: conv} relu gelu]",
        ),
        ("shortcut; residual conv 3x3, width", "[add{x | F: conv}]"),
        # with preact, F reads P(x); h reads x only where it is exactly identity
        (
            "preact bn -> relu; residual conv 3x3, width; shortcut identity",
            "[add{F: bn relu conv | x}]",
        ),
        ("preact bn -> relu; residual conv 3x3, width; shortcut none", "[bn relu conv]"),
        (
            "preact bn -> relu; residual conv 3x3, width; shortcut E",
            "[bn relu add{F: conv | [identity]}]",
        ),
        (
            "preact bn -> relu; residual conv 3x3, width; shortcut C; after gelu",
            "[bn relu add{F: conv | conv} gelu]",
        ),
    ],
)
def test_what_each_path_reads(tmp_path: Path, clauses: str, expected: str) -> None:
    options = "shortcut C { same: conv 1x1, out; change: conv 1x1, out }\nshortcut E { same: { identity } }\n"
    text = f"{OPTION}{options}block b(width) {{ {clauses} }}\nnetwork n {{ input 8x8x8; shortcut O; head b 8 }}"
    assert sketch(load_text(tmp_path, text).sections[0].located) == expected


def test_the_preactivation_of_a_changing_block_is_shared(tmp_path: Path) -> None:
    """He et al. 2016: the projection reads what F reads."""
    clauses = "preact bn -> relu; residual conv 3x3, width, /stride; shortcut"
    changing, keeping = (
        "[bn relu add{F: conv | [subsample pad_channels]}]",
        "[add{F: bn relu conv | x}]",
    )
    assert block(tmp_path, clauses, "b 8, /2 -> b 8") == f"{changing} {keeping}"


def test_a_preactivation_may_change_the_shape(tmp_path: Path) -> None:
    """F and a projection read P(x), with P's channels."""
    block = "preact conv 1x1, 2 * in; residual bn; shortcut C }\nshortcut C { same: identity; widen: conv 1x1, out"
    network = load_text(tmp_path, f"block b {{ {block} }}\nnetwork n {{ input 4x8x8; head b }}")
    assert [(name, op.input.channels) for name, op in operations(network)] == [
        ("b1.conv1", 4),
        ("b1.bn1", 8),
        ("b1.downsample", 8),
    ]


def test_order_decides_which_path_the_sum_is_written_into(tmp_path: Path) -> None:
    def decided(clauses: str) -> bool | None:
        text = f"block b {{ {clauses} }}\nnetwork n {{ input 8x8x8; stem conv 1x1, 8; head b }}"
        scope = load_text(tmp_path, text).sections[1].body
        assert isinstance(scope, Scope) and isinstance(scope.body, Parallel)
        return scope.body.inplace

    assert decided("residual conv 3x3, 8; shortcut identity") is True
    assert decided("shortcut identity; residual conv 3x3, 8") is False


def test_plain_networks_have_no_shortcut_at_all(tmp_path: Path) -> None:
    clauses = "residual conv 3x3, width, /stride -> bn; shortcut"
    assert block(tmp_path, clauses, "b 8 -> b 12, /2", option="none") == "[conv bn] [conv bn]"


def test_shortcut_inside_of_a_shortcut(tmp_path: Path) -> None:
    """`in`, `stride` and `out` of an arm are the block's, also in the blocks that the arm calls."""
    text = """
        block pooled(width) = avgpool 2x2, /stride, ceil=true -> conv 1x1, width
        shortcut D { same: identity; change: pooled out, /stride }
        block b(width) { residual conv 3x3, width, /stride; shortcut D }
        network n { input 8x9x9; head b 2 * 8, /2 }
    """
    network = load_text(tmp_path, text)
    assert [(op.kind, str(op.output)) for _, op in operations(network)] == [
        ("conv", "16x5x5"),
        ("avgpool", "8x5x5"),
        ("conv", "16x5x5"),
    ]


# --- init residual ---

STARTS = [
    ("residual conv 3x3, width -> bn -> relu -> conv 3x3, width -> bn", ["b1.bn2"]),
    ("residual conv 3x3, width -> bn -> relu", ["b1.bn1"]),
    ("residual f: { conv 3x3, width -> bn -> relu -> conv 3x3, width -> bn }", ["b1.f.4"]),
    ("residual f: { bn -> g: { bn -> conv 3x3, width } } -> relu", ["b1.f.g.0"]),
    ("residual 3 x { conv 3x3, width -> bn }", ["b1.bn3"]),
    ("residual u4..: 2 x { conv 3x3, width -> bn }", ["b1.u7"]),
    ("residual conv 3x3, width -> bn -> mul { identity | avgpool -> bn -> sigmoid }", ["b1.bn1"]),
    ("residual gn 1 -> ln2d -> conv 3x3, width", ["b1.ln2d1"]),
]


@pytest.mark.parametrize(("residual", "names"), STARTS)
def test_init_residual_starts_the_last_norm(
    tmp_path: Path, residual: str, names: list[str]
) -> None:
    block = f"block b(width) {{ {residual}; shortcut identity; after bn }}"
    text = f"{block}\nnetwork n {{ input 8x8x8; init residual: zeros; head b 8 }}"
    zeros = Init("constant", (("value", Fraction(0)),))
    assert [name for name, op in operations(load_text(tmp_path, text)) if op.init == zeros] == names


def test_init_residual_leaves_plain_blocks_alone(tmp_path: Path) -> None:
    text = "block b { residual conv 3x3, 8 -> bn; shortcut none }\nnetwork n { input 8x8x8; init residual: zeros; head b }"
    assert {op.init for _, op in operations(load_text(tmp_path, text))} == {None}


def test_init_residual_of_a_residual_without_a_norm_is_refused(tmp_path: Path) -> None:
    text = "block b { residual conv 3x3, 8; shortcut identity }\nnetwork n { input 8x8x8; init residual: zeros; head b }"
    assert codes(tmp_path, text) == ["E0315"]


# --- drop_path, index, count ---


def probabilities(folder: Path, clauses: str, block: str) -> list[tuple[str, Fraction]]:
    option = "shortcut M { same: identity; change: none }"
    text = f"block b(width) {{ {block} }}\n{option}\nnetwork n {{ input 8x8x8; {clauses} }}"
    layers = ((name, op.layer) for name, op in operations(load_text(folder, text)))
    return [
        (name, layer.p)
        for name, layer in layers
        if isinstance(layer, DropPathOp) and isinstance(layer.p, Fraction)
    ]


def test_stochastic_depth(tmp_path: Path) -> None:
    """Huang et al. 2016, equation 4, upside down: the l-th of L blocks drops (l / L) * 0.5."""
    block = "residual conv 3x3, width, /stride -> drop_path 0.5 * (index + 1) / count; shortcut A"
    block += " }\nshortcut A { same: identity; change: subsample /stride -> pad_channels out"
    found = probabilities(tmp_path, "stage a: 3 x b 8; stage b: 4 x b 16, /2; head 2 x b 16", block)
    assert [p for _, p in found] == [Fraction(1, 2) * Fraction(i + 1, 9) for i in range(9)]


@pytest.mark.parametrize(
    "residual",
    [
        "conv 3x3, width, /stride -> drop_path 0.1 * (index + 1)",
        "f: { conv 3x3, width, /stride -> drop_path 0.1 * (index + 1) }",
        "conv 3x3, width, /stride -> d2..: 2 x { relu -> drop_path 0.1 * (index + 1) }",
    ],
)
def test_nothing_is_dropped_where_h_is_none(tmp_path: Path, residual: str) -> None:
    """The layer keeps its place and its name, and does nothing; the block counts all the same."""
    found = probabilities(
        tmp_path, "stage a: b 8 -> b 16 -> b 16, /2 -> b 16", f"residual {residual}; shortcut M"
    )
    assert {name.split(".")[1] for name, _ in found} == {"0", "3"}
    assert {p for _, p in found} == {Fraction(1, 10), Fraction(4, 10)}
    text = f"block b(width) {{ residual {residual}; shortcut none }}\nnetwork n {{ input 8x8x8; head b 8 }}"
    assert "drop_path" not in {op.kind for _, op in operations(load_text(tmp_path, text))}


def test_index_in_after_is_the_blocks_own(tmp_path: Path) -> None:
    block = "residual conv 3x3, width; shortcut identity; after drop_path index / count"
    found = probabilities(tmp_path, "head 3 x b 8", block)
    assert [p for _, p in found] == [0, Fraction(1, 3), Fraction(2, 3)]


def test_blocks_that_are_lowered_once_count_each_time(tmp_path: Path) -> None:
    block = "residual bn -> drop_path index / 100; shortcut identity }\nblock plain { residual bn; shortcut identity }\n"
    block += "block pair { plain -> plain"
    found = probabilities(
        tmp_path, "stage s: pair -> pair -> relu -> pair; head b 8 -> 3 x plain -> b 8", block
    )
    assert [p for _, p in found] == [Fraction(6, 100), Fraction(10, 100)]


def test_blocks_that_differ_only_in_a_growing_number_are_one_repeat(tmp_path: Path) -> None:
    block = "residual conv 3x3, width -> drop_path 0.1 * index; shortcut identity"
    body = (
        load_text(
            tmp_path, f"block b(width) {{ {block} }}\nnetwork n {{ input 8x8x8; head 10 x b 8 }}"
        )
        .sections[0]
        .located
    )
    assert isinstance(body.node, Repeat) and body.node.count == 10
    (ramp,) = (op.layer.p for _, op in operations(body.body) if isinstance(op.layer, DropPathOp))
    assert ramp == Ramp(Fraction(0), Fraction(1, 10))


def test_uneven_numbers_are_written_out(tmp_path: Path) -> None:
    block = "residual conv 3x3, width -> drop_path 0.1 * index * index; shortcut identity"
    found = probabilities(tmp_path, "head 4 x b 8", block)
    assert [p for _, p in found] == [Fraction(i * i, 10) for i in range(4)]


def test_a_blocks_own_name_stands_in_its_mistakes(tmp_path: Path) -> None:
    """The trail of calls, innermost first."""
    text = """
        block inner(w) { conv 3x3, w / 3 }
        block outer(w) { inner w -> relu }
        network n { input 8x8x8; stage s: 2 x outer 8 }
    """
    (found,) = check_text(tmp_path, text)
    path = tmp_path / "spec.res"
    assert found.notes == (
        f"in `inner w` on 8x8x8, called from {path}:3:26",
        f"in `outer 8` on 8x8x8, called from {path}:4:47",
    )


def test_shipped_options_of_the_paper() -> None:
    """Table 3: A has no parameters beyond the plain network's, B projects where the shape changes,
    C everywhere.
    """
    arms = {}
    for option in "abc":
        network = load(f"resnet34:resnet34_{option}")
        names = [
            name for name, op in operations(network) if op.layer.weighted and "downsample" in name
        ]
        arms[option] = [".".join(name.split(".")[:2]) for name in names]
    assert arms["a"] == []
    assert arms["b"] == ["layer2.0", "layer3.0", "layer4.0"]
    assert arms["c"] == [f"layer{i}.{j}" for i, n in enumerate((3, 4, 6, 3), 1) for j in range(n)]
