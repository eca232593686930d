"""Totals of tools that cannot run beside the others, against what they printed or published."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
import timm
from packaging.version import Version
from torch import nn

from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.tools import TOOLS, tools_of
from resspec.passes.dialects import DIALECTS
from resspec.passes.like import like
from resspec.passes.measure import measure
from tests.passes.counters import counted
from tests.passes.test_measure import lowered

# infer_gmacs and infer_macts at 224 pixels, in timm's results of torch 2.4 on an RTX 4090
PUBLISHED_BY_TIMM = {
    "torchvision/resnet18": (1.82, 2.48),
    "torchvision/resnet34": (3.67, 3.74),
    "torchvision/resnet50": (4.11, 11.11),
    "torchvision/resnext50_32x4d": (4.26, 14.4),
    "torchvision/vgg11": (7.61, 7.44),
    "torchvision/vgg11_bn": (7.62, 7.44),
    "resnet50d": (4.35, 11.92),
    "se_resnet50": (4.11, 11.13),
    "densenet121": (2.87, 6.9),
    "mobilenet_v2": (0.31, 6.68),
    "regnet_y_400mf": (0.41, 3.89),
    "torchvision/convnext_tiny": (4.47, 13.44),
}


@pytest.mark.parametrize("spec", PUBLISHED_BY_TIMM)
def test_timms_published_figures(spec: str) -> None:
    network = load(spec)
    gmacs = round(like(network, "timm").total / 1e9, 2)
    macts = round(measure(network).acts / 1e6, 2)
    assert (gmacs, macts) == PUBLISHED_BY_TIMM[spec]


@pytest.mark.parametrize(("spec", "model"), [("resnet50d",) * 2, ("se_resnet50", "seresnet50")])
def test_timms_benchmark_counts_its_own_network_by_fvcore(spec: str, model: str) -> None:
    module = timm.create_model(model, global_pool="fast")  # as its benchmark.py makes it
    its_own = counted("fvcore", module, (3, 224, 224))
    assert like(load(spec), "timm").total == its_own


def test_the_version_is_the_one_compared() -> None:
    assert Version(TOOLS["timm"].version) == Version(version("timm"))


# 2 times what `profile` of ultralytics-thop 2.2.3 returns for the module of resspec: its package
# has the name of the other thop, so that one environment has room for one of them.
PRINTED_BY_ULTRALYTICS = {
    "torchvision/resnet18": 3_648_067_584,
    "torchvision/resnet50": 8_267_485_184,
    "torchvision/resnext50_32x4d": 8_576_368_640,
    "torchvision/vgg11_bn": 15_277_688_832,
    "mobilenet_v2": 655_101_440,
    "densenet121": 5_795_521_536,
    "regnet_y_400mf": 836_366_704,
    "se_resnet50": 8_283_584_000,
}
LAYERS_BY_ULTRALYTICS = {
    "conv 3x3, 8, groups=4, bias=true": 29_952,
    "upconv 3x3, 8, /2, groups=2, bias=true": 59_904,
    "to_last -> linear 8 -> ln -> ln affine=false": 33_280,
    "bn -> bn affine=false -> bn track_running_stats=false": 16_640,
    "gn 2 -> gn 2, affine=false -> ln2d": 16_640,
    "relu -> silu -> gelu -> sigmoid -> mish -> square -> gain": 0,
    "maxpool 3x3, /2 -> maxpool": 0,
    "avgpool 3x3, /2, padding=1": 4_480,
    "avgpool 3x3, /2, padding=1, count_padding=false": 3_944,
    "avgpool 4x3, /3, ceil=true, padding=1, count_padding=false": 2_416,
    "avgpool 2x2, /2, ceil=true": 2_112,
    "avgpool to=3x6 -> avgpool to=5x4": 3_152,
    "avgpool": 1_672,
    "prelu -> leaky_relu 0.2": 1_664,
    "softmax -> to_last -> softmax": 9_152,
    "upsample 2 -> upsample 2, mode=bilinear": 292_864,
    "add { identity | identity } -> mul { identity | identity } -> layer_scale": 0,
}


@pytest.mark.parametrize("spec", PRINTED_BY_ULTRALYTICS)
def test_networks_as_ultralytics_counts_them(spec: str) -> None:
    assert like(load(spec), "ultralytics").total == PRINTED_BY_ULTRALYTICS[spec]


@pytest.mark.parametrize("chain", LAYERS_BY_ULTRALYTICS)
def test_layers_as_ultralytics_counts_them(chain: str, tmp_path: Path) -> None:
    network = lowered(tmp_path, f"network gold {{ input 4x13x16; stem {chain} }}")
    assert like(network, "ultralytics").total == LAYERS_BY_ULTRALYTICS[chain]


# `count_params` of `keras.applications` in Keras 3.15.1; its ResNets have a bias in every
# convolution, those of torchvision in none
COUNTED_BY_KERAS = {
    "torchvision/resnet50": 25_636_712,
    "torchvision/resnet101": 44_707_176,
    "torchvision/resnet152": 60_419_944,
    "torchvision/vgg16": 138_357_544,
    "torchvision/vgg19": 143_667_240,
    "densenet121": 8_062_504,
    "mobilenet_v2": 3_538_984,
}


@pytest.mark.parametrize("spec", COUNTED_BY_KERAS)
def test_parameters_as_keras_counts_them(spec: str) -> None:
    network = load(spec)
    convs = [conv for conv in build(network).modules() if isinstance(conv, nn.Conv2d)]
    biases = sum(conv.out_channels for conv in convs) if "/resnet" in spec else 0
    assert like(network, "keras").total + biases == COUNTED_BY_KERAS[spec]


def test_several_tools_are_named_once_each() -> None:
    assert tools_of("thop, torch,thop") == ("thop", "torch")
    assert tools_of("all") == tuple(TOOLS) == tuple(DIALECTS)
    with pytest.raises(KeyError, match="fvcor"):
        tools_of("torch,fvcor")
