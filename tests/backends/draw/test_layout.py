"""In a drawing nothing overlaps, nothing is missing, and lines connect what feeds what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from random import Random

import pytest

from resspec.backends.draw import Pictured, draw
from resspec.backends.draw.elements import Box
from resspec.backends.draw.shapes import (
    Bracket,
    Drawing,
    Join,
    PlacedBox,
    PlacedOutput,
    SectionPanel,
    Wire,
)
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.ir.outputs import points
from resspec.passes.quantities import Facts
from tests.backends.draw.flow import of_drawing, of_network
from tests.backends.random_networks import random_network
from tests.random_specs import random_spec
from tests.specs.families import SMALL
from tests.specs.tensors import operations
from tests.texts import load_text

SEEDS = range(25)


def drawn(
    *networks: Network, unfold: bool = False, layers: bool = False, color_by: str | None = None
) -> Drawing:
    given = [Pictured(Facts(network), network.name) for network in networks]
    return draw(given, unfold=unfold, layers=layers, color_by=color_by)


def of_seed(seed: int, folder: Path) -> Network:
    return load_text(folder, random_spec(seed)) if seed % 2 else random_network(seed)


def layers(drawing: Drawing, column: int = 0) -> list[Box]:
    return [
        placed.box
        for placed in drawing.of(PlacedBox)
        if placed.column == column and placed.box.kind != "input"
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_layer_once_and_fed_by_what_feeds_it(seed: int, tmp_path: Path) -> None:
    network = of_seed(seed, tmp_path)
    numbers: dict[object, int] = {}
    assert of_drawing(drawn(network, unfold=True, layers=True), 0, numbers) == of_network(
        network, numbers
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_outputs_leave_where_they_are(seed: int, tmp_path: Path) -> None:
    known = points(load_text(tmp_path, random_spec(seed)))
    names = Random(seed).sample(known, min(3, len(known)))
    network = load(tmp_path / "spec.res", output=names)
    numbers: dict[object, int] = {}
    drawing = drawn(network, unfold=True, layers=True)
    assert of_drawing(drawing, 0, numbers) == of_network(network, numbers)
    folded = drawn(network)
    assert_clear(folded)
    downwards = sorted(folded.of(PlacedOutput), key=lambda output: output.y)
    assert [output.name for output in downwards] == list(network.outputs)


@pytest.mark.parametrize(
    "name", ["resnet34", "se_resnet50", "densenet121", "mobilenet_v2", "regnet_y_400mf"]
)
def test_flow_of_networks(name: str) -> None:
    network = load(name)
    numbers: dict[object, int] = {}
    assert of_drawing(drawn(network, unfold=True, layers=True), 0, numbers) == of_network(
        network, numbers
    )


def test_repeats_in_repeats(tmp_path: Path) -> None:
    """Each layer by its own name, and as often as it is there."""
    chain = "2 x { conv 3x3, 4 -> 3 x { conv 1x1, 4 -> 2 x { conv 5x5, 4 -> relu } } }"
    network = load_text(
        tmp_path,
        f"network n {{ input 4x8x8; stage s: {chain} -> 2 x {{ {chain} }}; head avgpool -> fc 2 }}",
    )
    numbers: dict[object, int] = {}
    assert of_drawing(drawn(network, unfold=True, layers=True), 0, numbers) == of_network(
        network, numbers
    )
    counts = Counter[str]()
    for box in layers(drawn(network)):
        counts[box.label] += box.times
    assert counts == {
        "3x3 conv, 4": 6,
        "1x1 conv, 4": 18,
        "5x5 conv, 4": 36,
        "global avg pool": 1,
        "fc 2": 1,
    }


def test_equal_blocks_of_other_sizes_are_not_folded(tmp_path: Path) -> None:
    block = "block down { conv 3x3, 8, /2 -> conv 3x3, 8 }"
    chain = "stage s: down -> down -> down; head avgpool -> fc 2"
    network = load_text(tmp_path, f"{block}\nnetwork n {{ input 3x64x64; {chain} }}")
    drawing = drawn(network)
    assert [(box.label, box.output.spatial) for box in layers(drawing)[:-2]] == [
        (f"3x3 conv, 8{stride}", (size, size)) for size in (32, 16, 8) for stride in (", /2", "")
    ]
    assert not drawing.of(Bracket)


@pytest.mark.parametrize("seed", SEEDS)
def test_folded_boxes_stand_for_every_layer(seed: int, tmp_path: Path) -> None:
    network = of_seed(seed, tmp_path)
    there = Counter(
        op.kind for _, op in operations(network) if op.kind not in ("identity", "flatten")
    )
    shown = Counter[str]()
    for box in layers(drawn(network, layers=True)):
        shown[box.kind] += box.times
    del shown["flatten"]
    assert shown == there
    paper = Counter[str]()
    for box in layers(drawn(network)):
        paper[box.kind] += box.times
    for kind in (
        "conv",
        "upconv",
        "fc",
        "linear",
        "maxpool",
        "avgpool",
        "slice",
        "chunk",
        "shuffle",
    ):
        assert paper[kind] == there[kind]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_hides_another(seed: int, tmp_path: Path) -> None:
    networks = [of_seed(seed, tmp_path), of_seed(seed + 2, tmp_path)]
    for unfold, every in ((False, False), (True, True)):
        assert_clear(drawn(*networks, unfold=unfold, layers=every))


def test_nothing_hides_another_in_what_ships() -> None:
    assert_clear(drawn(*map(load, SMALL)))


def assert_clear(drawing: Drawing) -> None:
    solid = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in drawing.of(PlacedBox)]
    solid += [
        (x - 6.5, y - 6.5, x + 6.5, y + 6.5) for x, y in (join.center for join in drawing.of(Join))
    ]
    assert not any(_overlap(a, b) for a, b in _neighbours(solid))
    grounds = [
        (one.x, one.y, one.x + one.width, one.y + one.height) for one in drawing.of(SectionPanel)
    ]
    assert not any(_overlap(a, b) for a, b in combinations(grounds, 2))
    for left, top, right, bottom in solid:
        assert 0 < left < right < drawing.width
        assert 0 < top < bottom < drawing.height
    for wire in drawing.of(
        Wire
    ):  # a line crosses no box: its straight pieces touch them at their ends alone
        for (a, b), (c, d) in pairwise(wire.points):
            piece = (min(a, c) + 0.01, min(b, d) + 0.01, max(a, c) - 0.01, max(b, d) - 0.01)
            assert not any(_overlap(piece, box) for box in _near(piece, solid))


Rectangle = tuple[float, float, float, float]


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _neighbours(found: list[Rectangle]) -> Iterator[tuple[Rectangle, Rectangle]]:
    """Pairs that share a height."""
    by_top = sorted(found, key=lambda one: one[1])
    for i, one in enumerate(by_top):
        for other in by_top[i + 1 :]:
            if other[1] >= one[3]:
                break
            yield one, other


def _near(piece: Rectangle, solid: list[Rectangle]) -> list[Rectangle]:
    return [
        one
        for one in solid
        if one[1] < max(piece[1], piece[3]) and one[3] > min(piece[1], piece[3])
    ]


@pytest.mark.parametrize("unfold", [False, True])
@pytest.mark.parametrize(
    "names", [("vgg19", "plain34", "resnet34"), ("resnet50", "vgg16", "densenet121", "resnet20")]
)
def test_equal_output_sizes_are_level(names: tuple[str, ...], unfold: bool) -> None:
    """Layers with a larger output are above all with a smaller one, across networks."""
    drawing = drawn(*map(load, names), unfold=unfold)
    by_size: dict[tuple[int, ...], list[PlacedBox]] = {}
    for placed in drawing.of(PlacedBox):
        if placed.box.kind != "input":
            by_size.setdefault(placed.box.output.spatial or (1, 1), []).append(placed)
    assert len(by_size) >= 6
    for larger, smaller in pairwise(sorted(by_size, reverse=True)):
        assert max(box.y + box.height for box in by_size[larger]) < min(
            box.y for box in by_size[smaller]
        )


def test_stages_begin_side_by_side() -> None:
    """Also where paths part above the first layer."""
    drawing = drawn(load("plain34"), load("resnet34"), load("vgg19"), unfold=True)
    strided = [placed for placed in drawing.of(PlacedBox) if "/2" in placed.box.label]
    tops = [{placed.y for placed in strided if placed.column == column} for column in range(3)]
    assert len(tops[0]) == 5
    assert tops[0] == tops[1] == tops[2]  # of VGG-19, its pools
