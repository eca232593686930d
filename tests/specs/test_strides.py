"""ResNets of torchvision for small images, and with dilation in place of strides, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
import torchvision
from torch import nn

from resspec.backends.module import build
from resspec.compiler import check, load
from resspec.ir.fingerprint import fingerprint
from resspec.passes.measure import measure


@pytest.mark.parametrize("name", ["resnet50", "resnext50_32x4d"])
@pytest.mark.parametrize(
    ("stride", "dilated"), [(16, (False, False, True)), (8, (False, True, True))]
)
def test_dilation_is_that_of_torchvision(
    name: str, stride: int, dilated: tuple[bool, bool, bool]
) -> None:
    theirs: Any = torchvision.models.get_model(name, replace_stride_with_dilation=list(dilated))
    same(load(f"torchvision/{name}", output_stride=stride, input=64), theirs, 64)


@pytest.mark.parametrize("stride", [16, 8])
def test_dilation_is_that_of_timm(stride: int) -> None:
    theirs = timm.create_model("seresnet50", output_stride=stride)
    same(load("se_resnet50", output_stride=stride, input=64), theirs, 64)


OTHERS = ["resnet50", "resnet152", "se_resnet50", "resnet50d", "preact_resnet50"]


@pytest.mark.parametrize("name", OTHERS)
def test_other_resnets_keep_their_weights(name: str) -> None:
    usual = measure(load(name)).params
    for stride, side in ((16, 14), (8, 28)):
        dilated = load(name, output_stride=stride, output="layer4")
        assert dilated.output.dims == (2048, side, side)
        assert measure(load(name, output_stride=stride)).params == usual
    small = load(name, small_images=True, input=32, output="layer1")
    assert small.output.dims == (256, 32, 32)


def test_a_stem_for_small_images_keeps_the_size() -> None:
    theirs: Any = torchvision.models.resnet18(num_classes=10)
    theirs.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    theirs.maxpool = nn.Identity()
    network = load("torchvision/resnet18", small_images=True, classes=10, input=32)
    same(network, theirs, 32)
    assert measure(network).params == 11_173_962  # of the usual ResNet-18 for CIFAR-10


def same(network: Any, theirs: nn.Module, side: int) -> None:
    module = build(network).eval()
    module.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, side, side)
    assert torch.equal(module(x), theirs.eval()(x))


def test_the_defaults_change_nothing() -> None:
    usual = load("torchvision/resnet34")
    for values in ({"output_stride": 32}, {"small_images": False}):
        assert fingerprint(load("torchvision/resnet34", **values)) == fingerprint(usual)
    assert check("torchvision/resnet34", output_stride=8, small_images=True) == []
    assert measure(load("torchvision/resnet34", output_stride=8)).params == measure(usual).params
