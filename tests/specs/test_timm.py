"""Modules equal timm's own bit for bit: names, logits, and gradients."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.compiler import load
from resspec.opening import shipped_names
from tests.specs.tensors import tensors

SPECS = [name.removeprefix("timm/") for name in shipped_names() if name.startswith("timm/")]

# More than 20 million parameters: the suite compares names and shapes, tests/campaign all.
LARGE = """
convnext_tiny cspresnet50 darknet53 dm_nfnet_f0 inception_resnet_v2 inception_v4 nf_resnet50
legacy_xception resnet50_gn resnetrs50 resnetv2_50d_evos resnetv2_50x1_bit selecsls42 tresnet_m
xception41
""".split()
BATCH = 2
SIDE = 64

# These have too many windows without a border for 64 pixels.
SIDES = {"inception_resnet_v2": 96, "inception_v4": 96}

# Gradients that differ in their last bits: the spec says in several steps what timm has in one.
NEARLY = {
    "dla34": 1e-5,  # computes the pool of a tree's input twice
    "poolformerv2_s12": 1e-5,  # adds the negative where timm subtracts
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_network_has_the_names_and_shapes_of_timm(name: str) -> None:
    with torch.device("meta"):
        theirs = timm.create_model(name).state_dict()
    shapes = {key: tuple(tensor.shape) for key, tensor in theirs.items()}
    assert dict(tensors(load(f"timm/{name}"))) == shapes


@pytest.mark.parametrize("name", [name for name in SPECS if name not in LARGE])
def test_module_equals_timms(name: str) -> None:
    assert_equals_timm(name)


def assert_equals_timm(name: str) -> None:
    ours, theirs = build(load(f"timm/{name}")), timm.create_model(name)
    drawn(theirs)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    theirs.load_state_dict(ours.state_dict(), strict=True)

    side = SIDES.get(name, SIDE)
    x = torch.randn(BATCH, 3, side, side)
    with torch.no_grad():
        logits = ours.eval()(x)
        assert bool(logits.isfinite().all()) and bool(logits.std() > 0)
        assert torch.equal(logits, theirs.eval()(x))

    mine, timms = gradients(ours, x), gradients(theirs, x)
    assert mine.keys() == timms.keys()
    assert max(difference(mine[key], timms[key]) for key in mine) <= NEARLY.get(name, 0)


def drawn(module: nn.Module) -> None:
    """Draw what would hide a mistake: tensors that start with one value, such as a factor of 0.

    A running mean is drawn around 0: around 1, most units of a ReLU would be dead.
    """
    torch.manual_seed(0)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point() and (tensor == tensor.flatten()[0]).all():
                spread = 0.5 if "var" in name else 0.1
                tensor.uniform_(-spread, spread).add_(0 if "bias" in name or "mean" in name else 1)


def gradients(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    torch.manual_seed(0)  # for dropout
    module.train()(x).square().mean().backward()
    return {name: each.grad for name, each in module.named_parameters() if each.grad is not None}


def difference(ours: Tensor, theirs: Tensor) -> float:
    """Return the largest difference, relative to the largest entry."""
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1e-30))
