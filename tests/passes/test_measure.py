"""The totals against figures that others published or that follow from the definitions, and against
torch itself.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.ir.network import Network
from resspec.passes.measure import combine, measure

GOLD = Path(__file__).parents[1] / "gold" / "derived.csv"
ROWS = list(csv.DictReader(GOLD.read_text(encoding="utf-8").splitlines()))

DEPTHS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
BLOCKS = """
block strided3x3(width, outer, groups) {
    residual conv 1x1, width -> bn -> relu
          -> conv 3x3, width, /stride, groups=groups -> bn -> relu
          -> conv 1x1, outer -> bn
    shortcut
    after relu
}
"""


def imagenet(depth: int, option: str, on3x3: bool, groups: int = 1, width: int = 64) -> str:
    """The text of a spec; `width` is that of the first stage's blocks where they are bottlenecks."""
    stages = []
    for i, blocks in enumerate(DEPTHS[depth]):
        plain = "basic" if depth < 50 else "bottleneck"
        block = f"strided3x3 {width << i}, {256 << i}, {groups}" if on3x3 else f"{plain} {64 << i}"
        stages.append(f"stage layer{i + 1}: {blocks} x {block}" + (", /2" if i else ""))
    stem = "stem conv 7x7, 64, /2 -> bn -> relu -> maxpool 3x3, /2"
    return network("3x224x224", option, stem, stages, 1000)


def cifar(depth: int, option: str, block: str, layers: int) -> str:
    n = (depth - 2) // (3 * layers)
    stages = [
        f"stage layer{i + 1}: {n} x {block} {16 << i}" + (", /2" if i else "") for i in range(3)
    ]
    return network("3x32x32", option, "stem conv 3x3, 16 -> bn -> relu", stages, 10)


def network(picture: str, option: str, stem: str, stages: list[str], classes: int) -> str:
    clauses = [
        f"input {picture}",
        f"shortcut {option}",
        stem,
        *stages,
        f"head avgpool -> fc {classes}",
    ]
    return f"use he2015\n{BLOCKS}\nnetwork gold {{\n" + "\n".join(clauses) + "\n}\n"


def spec_of(model: str) -> tuple[str, int]:
    """The spec of a row of the table, and the depth that its name promises."""
    option = found[1] if (found := re.search(r"option ([ABC])", model)) else "none"
    numbers = re.search(r"-(\d+)(?: (\d+)x(\d+)d)?", model)
    assert numbers
    depth = int(numbers[1])
    if model.startswith("CIFAR"):
        block, layers = ("bottleneck", 3) if "bottleneck" in model else ("basic", 2)
        return cifar(depth, option, block, layers), depth
    if numbers[2]:
        groups, width = int(numbers[2]), int(numbers[3])
        return imagenet(depth, option, True, groups, groups * width), depth
    return imagenet(depth, option, "stride on 3x3" in model), depth


def lowered(tmp_path: Path, text: str) -> Network:
    path = tmp_path / "gold.res"
    path.write_text(text, encoding="utf-8")
    return load(path)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["model"])
def test_gold(row: dict[str, str], tmp_path: Path) -> None:
    text, depth = spec_of(row["model"])
    totals = measure(lowered(tmp_path, text))
    assert (totals.params, totals.macs, totals.acts) == (
        int(row["params"]),
        int(row["macs"]),
        int(row["acts"]),
    )
    assert (totals.flops, totals.layers) == (2 * totals.macs, depth)
    pooled = (
        64 * 56 * 56 if row["input"] == "3x224x224" else 0
    )  # the outputs of the stem's max pool
    assert totals.acts + pooled == int(row["acts_pycls"])


def small(tmp_path: Path, chain: str) -> Network:
    return lowered(
        tmp_path, f"network gold {{ input 8x6x6; stage s: {chain}; head avgpool -> fc 4 }}"
    )


def test_layers_of_a_merge(tmp_path: Path) -> None:
    """A `mul` counts its first path, other merges their longest."""
    deep, shallow = "conv 1x1, 8 -> relu -> conv 1x1, 8", "conv 1x1, 8"
    layers = [
        measure(small(tmp_path, f"{merge} {{ {shallow} | {deep} }}")).layers
        for merge in ("mul", "add", "concat")
    ]
    assert layers == [1 + 1, 2 + 1, 2 + 1]


def test_a_shortcut_has_no_layers_wherever_it_stands(tmp_path: Path) -> None:
    block = "block b {{ {} }}\nshortcut long {{ same: conv 1x1, out -> conv 1x1, out -> conv 1x1, out }}\n"
    for clauses in ("residual conv 1x1, 8; shortcut long", "shortcut long; residual conv 1x1, 8"):
        text = (
            block.format(clauses)
            + "network gold { input 8x6x6; stage s: 2 x b; head avgpool -> fc 4 }"
        )
        assert measure(lowered(tmp_path, text)).layers == 3


def test_a_repeat_multiplies_everything(tmp_path: Path) -> None:
    written_out = small(tmp_path, " -> ".join(["conv 3x3, 8, groups=2, bias=true -> bn"] * 7))
    repeated = small(tmp_path, "7 x { conv 3x3, 8, groups=2, bias=true -> bn }")
    assert measure(repeated) == measure(written_out)
    assert measure(repeated).buffers == 7 * (8 + 8 + 1)


def test_sections_add_up(tmp_path: Path) -> None:
    whole = lowered(tmp_path, cifar(20, "B", "basic", 2))
    assert combine(measure(section.body) for section in whole.sections) == measure(whole)
