"""Names, order and shapes of parameters, and multiply-adds, equal those of torchvision and timm."""

from __future__ import annotations

import pytest
import torch
from timm.models.resnetv2 import ResNetV2

from resspec.compiler import load
from resspec.ir.ops.layer import plain
from resspec.ir.ops.regularize import DropPathOp
from resspec.passes.measure import measure
from tests.specs.references import SMALL, TIMM, macs, reference, same
from tests.specs.tensors import operations, tensors


@pytest.mark.parametrize("spec", [*SMALL, *TIMM])
def test_the_state_dict_has_the_names_and_shapes_of_the_reference(spec: str) -> None:
    ours = tensors(load(spec))
    theirs = [(name, tuple(tensor.shape)) for name, tensor in reference(spec).state_dict().items()]
    assert same(spec, ours, theirs)


@pytest.mark.parametrize("spec", [*SMALL, *TIMM])
def test_macs_are_those_torch_counts(spec: str) -> None:
    network = load(spec)
    _, _, side = network.input.dims
    assert measure(network).macs == macs(reference(spec), side)


@pytest.mark.parametrize(
    ("depth", "blocks"), [(50, [3, 4, 6, 3]), (152, [3, 8, 36, 3]), (200, [3, 24, 36, 3])]
)
def test_preactivation_of_imagenet_has_the_weights_of_resnetv2(
    depth: int, blocks: list[int]
) -> None:
    """timm activates after the stem's pool and strides on the 3x3; the weights are as many."""
    with torch.device("meta"):
        module = ResNetV2(blocks, stem_type="", preact=True)
    assert measure(load(f"preact_resnet{depth}")).params == sum(
        p.numel() for p in module.parameters()
    )


@pytest.mark.parametrize("spec", ["efficientnet_b0", "convnext_tiny"])
def test_stochastic_depth_is_torchvisions(spec: str) -> None:
    """Every block counts for `index`; one without a shortcut drops nothing."""
    path = f"torchvision/{spec}"
    ours = {
        n: plain(op.layer.p) for n, op in operations(load(path)) if isinstance(op.layer, DropPathOp)
    }
    blocks = reference(path).named_modules()
    theirs = {
        f"{n}.stochastic_depth": m.stochastic_depth.p
        for n, m in blocks
        if hasattr(m, "stochastic_depth") and getattr(m, "use_res_connect", True)
    }
    assert ours == pytest.approx(theirs)
