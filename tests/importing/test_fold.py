"""Folding: texts mean the network that they were made from, and are about as long as a person's."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.importing.fold import text
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.ir.uninitialized import without_init
from resspec.ir.walk import layers, whole
from tests.specs.families import SMALL


@pytest.mark.parametrize("name", SMALL[::2])
def test_folded_text_means_the_shipped_network(name: str, tmp_path: Path) -> None:
    network = without_init(load(name))
    path = tmp_path / "folded.res"
    path.write_text(text(network))
    back = without_init(load(path))
    assert fingerprint(back) == fingerprint(network)
    assert names(back) == names(network)


def names(network: Network) -> list[str]:
    """Return the names of all layers with tensors, in order."""
    return [
        name
        for name, step in layers(whole(network))
        if step.layer.parameters(step.node.input) or step.layer.buffers(step.node.input)
    ]


def test_blocks_of_torchvision_are_used_from_its_library() -> None:
    folded = text(without_init(load("torchvision/resnet50")))
    assert "use torchvision" in folded
    assert "[3, 4, 6, 3] x bottleneck [64, 128, 256, 512], /[1, 2, 2, 2]" in folded


def test_numbers_that_vary_are_parameters_named_by_role() -> None:
    folded = text(without_init(load("torchvision/mnasnet1_0")))
    assert "block inverted(expansion, kernel, width)" in folded
    assert "groups=expansion * in" in folded


def test_identity_and_projection_are_one_shortcut() -> None:
    folded = text(without_init(load("torchvision/resnext50_32x4d")))
    assert "shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }" in folded


def test_stochastic_depth_is_a_formula_of_the_number_of_the_block() -> None:
    assert "drop_path 0.2 * index / count" in text(
        without_init(load("torchvision/efficientnet_b0"))
    )


def test_modules_of_one_class_that_differ_are_several_blocks(tmp_path: Path) -> None:
    path = tmp_path / "net.res"
    path.write_text(
        "block unit(F) { F }\n"
        "block a { conv 3x3, 8 -> bn -> relu -> conv 3x3, 8 }\n"
        "block b { concat { conv 1x1, 4 | maxpool 3x3 -> conv 5x5, 4 } -> fc 3 }\n"
        "network net { input 3x8x8; stem unit a -> unit a -> unit b; head fc 2 }\n"
    )
    network = load(path)
    again = tmp_path / "again.res"
    again.write_text(text(network))
    assert fingerprint(load(again)) == fingerprint(network)


def test_outputs_are_kept() -> None:
    network = load("torchvision/resnet18", output=["layer2", "layer4"])
    assert "output layer2 layer4" in text(network)
