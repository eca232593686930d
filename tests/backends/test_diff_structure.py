"""A diff aligns blocks by their content, and lists each change, and nothing else, at its lines."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from resspec.backends.diff.align import aligned
from resspec.backends.diff.structure import Structure, StructureChange
from resspec.backends.expand import expand
from resspec.compiler import load
from resspec.ir.json import from_json, to_json
from tests.backends.diff_networks import (
    BLOCKS,
    HEAD,
    PROJECT,
    STAGE,
    STEM,
    found,
    network,
    said,
    structure_of,
)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [STEM, "shortcut B", "stage layer1: 6 x basic 16", HEAD],
            ["~ layer1: 4 → 6 blocks, + 2 × basic (layer1.4..5)"],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [
                STEM,
                "shortcut B",
                "stage layer1: 2 x basic 16 -> basic 16, groups=2 -> 2 x basic 16",
                HEAD,
            ],
            ["~ layer1: 4 → 5 blocks, + basic (layer1.2)"],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [STEM, "shortcut B", "stage layer1: 4 x basic 16, groups=4", HEAD],
            ["~ conv2 of 4 blocks in layer1: groups 1 → 4"],
        ),
        (
            [STEM, "shortcut A", "stage l: 2 x basic 32, /2", HEAD],
            [STEM, "shortcut B", "stage l: 2 x basic 32, /2", HEAD],
            [
                "~ l.0: shortcut zero padding (subsample /2 → pad_channels 32) → projection (conv 1x1, 32, /2 → bn)"
            ],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [STEM, "shortcut none", STAGE, HEAD],
            ["~ 4 blocks in layer1: shortcut identity → none"],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            ["stem conv 7x7, 16, /2 -> bn -> relu -> maxpool 3x3, /2", "shortcut B", STAGE, HEAD],
            [
                "+ maxpool1: maxpool 3x3, /2",
                "~ conv1: kernel_size 3 → 7",
                "~ conv1: stride 1 → 2",
                "~ conv1: padding 1 → 3",
            ],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [STEM, "shortcut B", STAGE, "stage layer2: 2 x basic 32, /2", HEAD],
            ["+ layer2: 2 × basic"],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [STEM, "shortcut B", "stage first: 4 x basic 16", HEAD],
            ["~ first: label layer1 → first", "~ first.0: name layer1.0 → first.0"],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [STEM.replace("relu", "silu"), "shortcut B", STAGE, HEAD],
            ["~ silu1: relu → silu"],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [STEM, "shortcut B", STAGE, HEAD, "init conv: xavier_normal gain=2"],
            ["~ 9 layers in stem, layer1: init default → xavier_normal gain=2"],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [STEM, "shortcut B", STAGE, HEAD, "replace bn: gn groups=4"],
            ["~ 9 layers in stem, layer1: bn → gn 4"],
        ),
        (
            ["input 3x32x32", STEM, "shortcut B", STAGE, HEAD],
            ["input 3x64x64", STEM, "shortcut B", STAGE, HEAD],
            ["~ b: input 3x32x32 → 3x64x64"],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD, "output layer1.2 fc"],
            [STEM, "shortcut B", STAGE, HEAD, "output layer1 fc"],
            ["~ b: outputs layer1.2, fc → layer1, fc"],
        ),
        (
            [STEM, "shortcut B", STAGE, HEAD],
            [STEM, "shortcut B", STAGE, HEAD, "output layer1 fc"],
            ["~ b: outputs + layer1, fc"],
        ),
    ],
)
def test_each_change_is_one_line(
    tmp_path: Path, a: list[str], b: list[str], expected: list[str]
) -> None:
    x, y = (
        load(_written(tmp_path / f"{name}.res", clauses)) for name, clauses in (("a", a), ("b", b))
    )
    assert said(found(x, y)) == expected


def _written(path: Path, clauses: list[str]) -> Path:
    given = clauses if clauses[0].startswith("input") else ["input 3x32x32", *clauses]
    path.write_text(
        f"{BLOCKS}network {path.stem} {{\n" + "\n".join(given) + "\n}\n", encoding="utf-8"
    )
    return path


def test_what_is_no_difference(tmp_path: Path) -> None:
    a = network(tmp_path, "a", STEM, "shortcut B", STAGE, HEAD)
    renamed = BLOCKS.replace("basic", "unit").replace("width", "w").replace(" B ", " projected ")
    b = network(
        tmp_path,
        "b",
        "# another layout",
        STEM.replace("-> bn", "\n  -> bn"),
        "shortcut projected",
        "stage layer1: unit 16 -> 3 x unit 16",
        HEAD,
        blocks=renamed,
    )
    assert structure_of(a, b) == Structure()
    for spec in ("resnet50", "densenet121", "mobilenet_v2"):
        path = tmp_path / "expanded.res"
        path.write_text(expand(load(spec)), encoding="utf-8")
        assert structure_of(load(spec), load(path)).changes == ()
        assert structure_of(load(spec), from_json(to_json(load(spec)))).changes == ()


def test_each_change_names_the_lines_of_both_sides(tmp_path: Path) -> None:
    a = network(tmp_path, "a", STEM, "shortcut B", STAGE, HEAD)
    b = network(
        tmp_path,
        "b",
        STEM,
        "shortcut B",
        "stage layer1: 2 x basic 16 -> basic 16, groups=2 -> basic 16",
        HEAD,
    )
    (change,) = found(a, b).changes
    assert change.a and change.b
    assert [place.name for place in (change.a, change.b)] == ["layer1.2", "layer1.2"]
    assert [place.span for place in (change.a, change.b)] == [
        f"{tmp_path}/a.res:12:19-12:27",
        f"{tmp_path}/b.res:12:31-12:49",
    ]
    (detail,) = change.details
    assert (detail.at, detail.what, detail.a, detail.b) == ("conv2", "groups", "1", "2")
    assert detail.a_span == f"{tmp_path}/a.res:2:56-2:86"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (
            "resnet50",
            "resnet152",
            [
                "~ layer2: 4 → 8 blocks, + 4 × bottleneck (layer2.4..7)",
                "~ layer3: 6 → 36 blocks, + 30 × bottleneck (layer3.6..35)",
            ],
        ),
        (
            "resnet34",
            "resnet50",
            ["~ 16 blocks in layer1, layer2, layer3, layer4: basic → bottleneck"],
        ),
        (
            "torchvision/resnet50",
            "torchvision/resnext50_32x4d",
            [
                "~ conv1, conv2 of 16 blocks in layer1, layer2, layer3, layer4: out_channels 64, 128, 256, 512 → 128, 256, 512, 1024",
                "~ conv2 of 16 blocks in layer1, layer2, layer3, layer4: groups 1 → 32",
            ],
        ),
        (
            "torchvision/resnet50",
            "se_resnet50",
            ["~ se of 16 blocks in layer1, layer2, layer3, layer4: + squeeze"],
        ),
        ("torchvision/vgg16", "torchvision/vgg16_bn", ["+ features.1 … features.41: 13 × bn"]),
        (
            "vgg16",
            "vgg19",
            [
                "+ conv3.6..7: conv 3x3, 256 → relu",
                "+ conv4.6..7, conv5.6..7: conv 3x3, 512 → relu",
            ],
        ),
    ],
)
def test_shipped_networks(a: str, b: str, expected: list[str]) -> None:
    assert said(found(load(a), load(b))) == expected


def test_random_edits_are_exactly_what_is_found(tmp_path: Path) -> None:
    draw = random.Random(0)
    for _ in range(20):
        a = [f"basic {8 * draw.randint(1, 9)}" for _ in range(30)]
        b, edits = list(a), dict[str, int]()
        for i in sorted(draw.sample(range(0, 30, 3), 5), reverse=True):
            kind = draw.choice(["changed", "added", "removed"])
            edits[kind] = edits.get(kind, 0) + 1
            match kind:
                case "changed":
                    b[i] += ", groups=2"
                case "added":
                    b.insert(i, "basic 100")
                case "removed":
                    del b[i]
        x, y = (
            network(
                tmp_path,
                name,
                STEM,
                "shortcut C",
                f"stage s: {' -> '.join(row)}",
                HEAD,
                blocks=BLOCKS + PROJECT,
            )
            for name, row in (("a", a), ("b", b))
        )
        kinds: dict[str, int] = {}
        for change in found(x, y).changes:
            place = change.a or change.b
            assert place
            kinds[change.kind] = kinds.get(change.kind, 0) + place.times
        assert kinds == edits


def test_alignment_keeps_both_rows() -> None:
    draw = random.Random(0)
    for size in (0, 3, 30, 700):
        a, b = (draw.choices("abcdef" * 2 + "xyz", k=size) for _ in range(2))
        pairs = list(aligned(a, b, str, lambda letter: letter in "xyz"))
        assert [x for x, _ in pairs if x is not None] == a
        assert [y for _, y in pairs if y is not None] == b
        assert all(
            x == y or (x in "xyz") == (y in "xyz")
            for x, y in pairs
            if x is not None and y is not None
        )


def test_a_change_of_names_alone_is_told(tmp_path: Path) -> None:
    a = network(tmp_path, "a", STEM, "shortcut B", STAGE, HEAD)
    b = network(tmp_path, "b", "stem first: conv 3x3, 16 -> bn -> relu", "shortcut B", STAGE, HEAD)
    (change,) = found(a, b).changes
    assert isinstance(change, StructureChange)
    assert [(detail.what, detail.a, detail.b) for detail in change.details] == [
        ("name", "conv1", "first")
    ]
