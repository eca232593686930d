"""Every shipped network takes `classes` and `channels`; other networks then have these weights."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from resspec.compiler import check, load
from tests.specs import families
from tests.specs.references import SMALL, TIMM, same, torchvisions
from tests.specs.tensors import Tensor, tensors


@pytest.mark.parametrize("spec", families.SMALL)
def test_a_shipped_network_takes_classes_and_channels(spec: str) -> None:
    network = load(spec, classes=7, channels=2)
    assert network.input.dims == (2, *load(spec).input.spatial)
    assert network.output.channels == 7
    assert check(spec, classes=7, channels=2) == []


@pytest.mark.parametrize("spec", SMALL)
def test_torchvision_has_the_same_weights_for_other_classes(spec: str) -> None:
    device = "cpu" if "regnet" in spec else "meta"  # works out its widths with torch
    with torch.device(device):
        module = torchvisions(spec, num_classes=13)
    assert same(spec, tensors(load(spec, classes=13)), state(module))


@pytest.mark.parametrize("spec", TIMM)
def test_timm_has_the_same_weights_for_other_classes_and_channels(spec: str) -> None:
    with torch.device("meta"):
        module = timm.create_model(TIMM[spec], num_classes=13, in_chans=1)
    assert same(spec, tensors(load(spec, classes=13, channels=1)), state(module))


def state(module: nn.Module) -> list[Tensor]:
    return [(name, tuple(tensor.shape)) for name, tensor in module.state_dict().items()]
