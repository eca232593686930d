"""Specs of torchvision's networks say how torchvision starts their weights."""

from __future__ import annotations

from math import sqrt

import pytest
import torch
import torchvision

from resspec.compiler import load
from resspec.ir.init import Init
from resspec.ir.nodes import Op
from tests.specs.references import TORCHVISION
from tests.specs.tensors import operations

SPECS = [
    "torchvision/resnet18",
    "torchvision/resnext50_32x4d",
    "torchvision/vgg11_bn",
    "torchvision/densenet121",
    "torchvision/mobilenet_v2",
    "torchvision/regnet_y_400mf",
]


@pytest.mark.parametrize("spec", SPECS)
def test_spread_of_the_weights(spec: str) -> None:
    """Of each layer with weights: the standard deviation, and whether its bias starts at zero."""
    torch.manual_seed(0)
    state = torchvision.models.get_model(TORCHVISION[spec]).state_dict()
    for name, op in operations(load(spec)):
        if op.layer.weighted:
            weight = state[f"{name}.weight"]
            tolerance = 5 / sqrt(2 * weight.numel())
            assert float(weight.std()) == pytest.approx(expected_std(op), rel=tolerance), name
            if f"{name}.bias" in state:
                assert bool((state[f"{name}.bias"] == 0).all()) == bool(
                    op.init and op.init.bias == 0
                ), name


def expected_std(op: Op) -> float:
    out, into, *kernel = op.layer.parameters(op.input)["weight"]
    window = kernel[0] * kernel[1] if kernel else 1
    match op.init:
        case Init(law="kaiming_normal", arguments=arguments):
            return sqrt(2 / (window * (out if dict(arguments)["mode"] == "fan_out" else into)))
        case Init(law="normal", arguments=arguments):
            return float(dict(arguments)["std"])
        case (
            None | Init(law="default")
        ):  # uniform within 1 / sqrt(fan_in), as torch's constructors have it
            return 1 / sqrt(3 * into * window)
    raise AssertionError(op.init)
