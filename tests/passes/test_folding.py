"""Folded networks leave what the networks before left, in float64 and in every form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from resspec.backends.folding import to_json as origins
from resspec.backends.module import build
from resspec.backends.source import emit
from resspec.compiler import load
from resspec.ir.fingerprint import fingerprint
from resspec.ir.json import from_json, to_json
from resspec.ir.verify import verify
from resspec.passes.folding import fold
from resspec.passes.quantities import Facts
from resspec.training.weights.folding import difference, fold_weights
from tests.backends.random_networks import random_network
from tests.backends.test_source import assert_twins
from tests.passes.folded_networks import assert_folded, drawn, float64
from tests.texts import written

FAMILIES = {  # with the batch norms that are left
    "resnet20": 0,
    "torchvision/densenet121": 62,
    "torchvision/mobilenet_v3_small": 0,
    "timm/repvgg_a0": 0,
    "timm/mobileone_s0": 0,
}


@pytest.mark.parametrize("name", FAMILIES)
def test_outputs_stay(name: str) -> None:
    folding = assert_folded(load(name, input=32))
    assert len(folding.left) == FAMILIES[name]


ROWS = """
network rows {
    input 6x17x15
    stem conv 3x3, 12, groups=3 -> bn -> dropout 0.5 -> bn affine=false -> relu -> bn -> conv 2x2, 8, groups=2, bias=true
    stage a: 3 x { bn -> conv 1x1, 8 -> bn -> silu } -> upconv 2x2, 8, /2, groups=4 -> bn
    stage b: { x: conv 3x3, 8 -> relu } -> { y: conv 1x1, 16 } -> { z: bn } -> relu
    stage c: bn -> conv 3x3, 8 -> bn track_running_stats=false -> std_conv 3x3, 8 -> bn -> relu -> bn
    head dropout 0.1 -> fc 9 -> bn -> relu -> bn -> fc 5, bias=false
}
"""
BRANCHES = """
network branches {
    input 8x9x11
    stem add { conv 3x3, 8 -> bn | bn -> conv 1x1, 8, groups=2 -> bn | bn -> bn | identity } -> bn -> relu
    stage a: add { conv 1x3, 8, padding=0x1 | conv 3x3, 8, groups=4 | conv 5x5, 8, groups=2, padding=2 -> bn | identity -> relu }
    stage b: add { conv 3x3, 8, dilation=2, padding=2 | conv 5x5, 8 | conv 3x3, 8 } -> bn
    stage c: add { conv 3x3, 8, groups=8, /2 -> bn | conv 1x1, 8, /2 -> bn | conv 3x3, 8, /2 -> conv 1x1, 8 }
    stage d: add { identity | bn } -> conv 1x1, 4 -> relu
    stage e: mul { conv 3x3, 4 -> bn | conv 1x1, 4 -> bn }
    stage f: 2 x { add { 2 x { conv 3x3, 4 -> bn } | conv 1x1, 4 -> bn | identity } -> relu }
    head avgpool -> fc 3
}
"""


def test_rows(tmp_path: Path) -> None:
    folding = assert_folded(load(written(tmp_path, ROWS)))
    assert folding.left == ("c.0", "c.2", "c.4")


def test_branches(tmp_path: Path) -> None:
    folding = assert_folded(load(written(tmp_path, BRANCHES)))
    assert folding.left == ("d.0",)


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed: int) -> None:
    network = random_network(seed)
    folding = assert_folded(network, seed=seed, bound=1e-9)
    verify(folding.network)
    assert_twins(folding.network)


def test_merging_costs_nothing(tmp_path: Path) -> None:
    network = load(written(tmp_path, BRANCHES))
    assert Facts(fold(network).network).total("macs") <= Facts(network).total("macs")


def test_it_is_a_network() -> None:
    network = fold(load("timm/mobileone_s0", input=64)).network
    again = from_json(to_json(network))
    assert fingerprint(again) == fingerprint(network)
    assert emit(again) == emit(network)
    assert fold(network).layers == {}


def test_outputs_keep_their_values(tmp_path: Path) -> None:
    text = ROWS.replace("head", "output bn2 a\n    head", 1)
    folding = assert_folded(load(written(tmp_path, text)))
    assert "bn2" in folding.left


def test_torch_folds_likewise() -> None:
    """torch's own fusion of a convolution with its batch norm has the same weights."""
    network = load("resnet20")
    with float64():
        module = drawn(network)
        found = fold_weights(fold(network), module.state_dict())
        conv, norm = module.get_submodule("conv1"), module.get_submodule("bn1")
        assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        fused = nn.utils.fuse_conv_bn_eval(conv, norm)
        assert fused.bias is not None
        torch.testing.assert_close(found["conv1.weight"], fused.weight.data, rtol=1e-14, atol=0)
        torch.testing.assert_close(found["conv1.bias"], fused.bias.data, rtol=1e-13, atol=1e-15)


def test_the_origin_of_weights_is_data() -> None:
    document = json.loads(origins(fold(load("timm/repvgg_a0"))))
    assert document["layers"]["stages.0.1.conv_kxk.conv"] == [
        {
            "sum": [
                ["stages.0.1.identity"],
                [
                    {
                        "sum": [
                            ["stages.0.1.conv_kxk.conv", "stages.0.1.conv_kxk.bn"],
                            ["stages.0.1.conv_1x1.conv", "stages.0.1.conv_1x1.bn"],
                        ]
                    }
                ],
            ]
        }
    ]
    assert build(load("timm/repvgg_a0")).get_submodule("stages.0.1.identity")


def test_weights_stay_on_their_device() -> None:
    network = load("timm/repvgg_a0", input=32)
    with torch.device("meta"):
        tensors = build(network).state_dict()
    found = fold_weights(fold(network), tensors)
    assert all(tensor.is_meta for tensor in found.values())


def test_outputs_of_zeros_are_compared(tmp_path: Path) -> None:
    network = load(
        written(tmp_path, "network n { input 3x8x8; head conv 3x3, 4 -> bn -> avgpool -> fc 2 }")
    )
    tensors = {name: torch.zeros_like(each) for name, each in build(network).state_dict().items()}
    assert difference(network, fold(network), tensors) == 0
