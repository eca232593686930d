"""Every quantity against its reference on random specs, and against the figures of the definitions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.ir.quantities import QUANTITIES, Conditions
from resspec.passes.measure import measure
from resspec.passes.quantities import Facts
from resspec.passes.training import TrainingBound
from tests.passes import references
from tests.passes.differential import ELSEWHERE, compared, differing, disagreements
from tests.random_specs import random_spec

SPECS = 10  # the campaign takes 20,000
SLICES = 2


def test_every_quantity_has_a_reference() -> None:
    referenced = {row.quantity for row in compared(load("digits"), Conditions(2))}
    assert referenced | ELSEWHERE.keys() == QUANTITIES.keys()


@pytest.mark.parametrize("start", range(0, SPECS, SPECS // SLICES))
def test_random_specs(start: int, tmp_path: Path) -> None:
    for seed in range(start, start + SPECS // SLICES):
        assert not disagreements(seed, tmp_path)


@pytest.mark.parametrize("seed", range(0, 200, 20))
@pytest.mark.filterwarnings("ignore")
def test_activations_are_those_of_fvcore(seed: int, tmp_path: Path) -> None:
    from fvcore.nn import ActivationCountAnalysis

    path = tmp_path / "random.res"
    path.write_text(random_spec(seed), encoding="utf-8")
    network = load(path)
    module, x = build(network).eval(), torch.zeros(2, *network.input.dims)
    counted = ActivationCountAnalysis(module, x).unsupported_ops_warnings(False).by_module()
    layers = {path: 2 * measure(op).acts for path, op in references.layers(network)}
    assert layers == {path: counted[path] for path in layers}
    assert references.acts(module, x) == {path: count for path, count in layers.items() if count}
    assert 2 * measure(network).acts == counted[""]


# One network of each kind of block: the campaign takes all.
NETWORKS = [
    "digits",
    "fashion20",
    "mobilenet_v2",
    "preact_resnet50",
    "regnet_y_400mf",
    "resnet18",
    "resnet20",
    "resnet50d",
    "se_resnet50",
    "torchvision/resnext50_32x4d",
    "torchvision/vgg16_bn",
]


@pytest.mark.parametrize("name", NETWORKS)
def test_shipped(name: str) -> None:
    assert_quantities_of(name)


def assert_quantities_of(name: str) -> None:
    assert differing(load(name), Conditions(2)) == []


CORNERS = [
    "mul { identity | sigmoid } -> relu -> maxpool 2x2 -> conv 3x3, 4",  # nothing needs a gradient before the convolution
    "conv 3x3, 4 -> mul { identity | sigmoid | avgpool }",
    "mul { conv 1x1, 4 | identity | conv 1x1, 4 -> relu }",
    "conv 1x1, 4 -> mul { identity | identity }",
    "mul { identity | conv 1x1, 4 } -> mul { slice 0, 2 | slice 2, 4 }",
    "conv 1x1, 4 -> add { identity | identity | relu }",
    "add { conv 1x1, 4 | conv 1x1, 4 -> bn | identity } -> relu",
    "conv 1x1, 4 -> dropout 1 -> drop_path 1 -> dropout 0 -> drop_path 0",
    "conv 1x1, 4 -> slice 0, 2 -> relu inplace=true -> fc 3",
    "conv 1x1, 4 -> silu inplace=true -> hardswish inplace=true -> relu6",
    "conv 1x1, 4 -> subsample /2 -> flatten -> fc 3",
    "conv 1x1, 4 -> slice 1, 3 -> flatten -> fc 3 -> fc 2",
    "conv 1x1, 4 -> ln2d -> flatten -> fc 3",
    "bn affine=false -> relu -> fc 3",
    "conv 1x1, 4 -> to_last -> ln -> linear 8 -> gelu -> linear 4 -> layer_scale -> to_first -> bn",
    "shuffle 1 -> gn 2 -> shuffle 2",
    "conv 1x1, 4 -> relu6 -> chunk 2, 1 -> shuffle 2 -> conv 1x1, 4",  # groups of one channel each: nothing moves
    "conv 1x1, 4 -> to_last -> linear 8, bias=false -> slice 0, 4 -> linear 2",
    "concat { conv 1x1, 4 | identity } -> maxpool to=3x2",
    "ln2d -> conv 3x3, 4, groups=2, dilation=2 -> avgpool to=2x3 -> fc 3",
    "upconv 3x3, 4, /2, groups=2 -> gn 1, affine=false -> sigmoid",
    "layer_scale -> gelu tanh=true -> hardsigmoid -> conv 1x1, 4 -> pad_channels 4 -> chunk 2, 1",
    "conv 1x1, 4 -> flatten -> bn -> relu",
    "conv 1x1, 4 -> leaky_relu inplace=false -> leaky_relu -> conv 1x1, 4 -> elu inplace=false -> elu -> celu inplace=false -> celu -> bn",
    "conv 1x1, 4 -> mish -> mish inplace=true -> tanh -> softplus -> softmax -> to_last -> softmax -> linear 3",
    "conv 1x1, 4 -> relu -> square -> prelu -> prelu num_parameters=4 -> scale 0.5 -> gain -> shift",
    "shift -> relu -> square -> gain -> shift",
    "conv 1x1, 4 -> gain shape=C -> shift shape=scalar -> relu -> gain 2, shape=Cx1x1 -> to_last -> gain shape=C",
    "to_last -> linear 4 -> gain 0.1, shape=scalar -> shift shape=C -> own.scale: gain -> own.bias: shift",
    "prelu -> relu -> square -> gain 0.5",
    "conv 1x1, 4 -> pad 1, 2, 0, 1 -> pad 1, 1, 1, 1, mode=reflect -> pad 2, 0, 0, 1, mode=replicate -> conv 3x3, 4",
    "conv 1x1, 4 -> upsample 2 -> upsample size=9x7, mode=bilinear -> upsample 1x2, mode=bilinear, align_corners=true -> bn",
    "conv 1x1, 4 -> pixel_shuffle 2 -> pixel_unshuffle 2 -> pixel_unshuffle 2 -> shuffle 4 -> relu -> pixel_shuffle 1",
    "conv 3x3, 4, /2, padding=same -> bn -> maxpool 2x2, /1, padding=same -> avgpool 3x3, /2, padding=same -> conv 1x1, 4, /2, padding=same",
    "maxpool 3x3, /2, padding=same -> conv 2x4, 6, padding=same, bias=true -> conv 3x3, 6, /2, padding=same, groups=6, dilation=2",
    "conv 1x1, 4 -> to_last -> ln -> to_first -> maxpool 3x3, /2, padding=same -> to_last -> ln -> to_first -> avgpool 3x3, /2, padding=same -> to_last -> linear 3",
    "conv 1x1, 4 -> std_conv 3x3, 6, /2 -> relu -> std_conv 3x3, 6, /2, padding=same, bias=true, groups=3 -> bn",
    "std_conv 1x1, 4 -> scaled_std_conv 3x3, 6 -> silu -> scaled_std_conv 3x3, 8, /2, padding=same, bias=false, gamma=1.7 -> relu",
    "conv 1x1, 8 -> mul { identity | avgpool -> channel_conv 3 -> sigmoid } -> softmax parts=2 -> mul { identity | avgpool -> channel_conv 5, bias=true -> softmax parts=4 }",
    "avgpool -> softmax parts=2 -> channel_conv 3 -> add { chunk 2, 0 | chunk 2, 1 } -> softmax parts=2",
    "conv 1x1, 4 -> rms_norm -> simple_norm affine=false -> to_last -> rms_norm affine=false -> simple_norm -> linear 4 -> grn -> ln bias=false",
    "rms_norm -> relu -> grn -> relu -> conv 1x1, 4 -> grn -> simple_norm -> evonorm_s0 2 -> gn 2, bias=false -> ln2d bias=false",
    "evonorm_s0 1 -> lrn 3 -> conv 1x1, 4 -> relu -> lrn 2, alpha=1e-3, beta=0.5, k=2 -> evonorm_s0 4 -> conv 1x1, 4",
    "blurpool -> conv 1x1, 4 -> relu -> blurpool 3, /2 -> blurpool 4, mode=zeros -> conv 1x1, 4 -> blurpool 2, mode=zeros",
    "conv 1x1, 4 -> ln2d -> blurpool -> to_last -> linear 3 -> flatten",
    "mul { identity | context_pool -> conv 1x1, 4 -> sigmoid } -> conv 1x1, 4 -> relu -> context_pool -> relu",
    "lrn 3 -> context_pool -> rms_norm -> flatten -> rms_norm -> simple_norm -> fc 2",
    "pixel_unshuffle 1 -> pad 0, 0, 0, 0 -> pad 0, 1, 0, 1, mode=lowest -> maxpool 3x3, padding=0 -> upsample 1 -> gain",
]


@pytest.mark.parametrize("chain", CORNERS)
def test_corners(chain: str, tmp_path: Path) -> None:
    assert differing(written(tmp_path, chain), Conditions(2, "bfloat16")) == []


@pytest.mark.parametrize("chain", CORNERS)
def test_frozen_corners(chain: str, tmp_path: Path) -> None:
    """Gradients flow through what does not learn."""
    network = written(tmp_path, f"conv 1x1, 4; stage frozen: {chain}; head flatten -> fc 2")
    assert differing(network, Conditions(2, frozen=frozenset(["frozen"]))) == []


def test_figures_of_resnet50() -> None:
    network = load("torchvision/resnet50")
    facts = Facts(network)
    assert 2 * (facts.total("macs") + facts.total("backward_macs")) == 24_299_077_632
    assert facts.total("inference_peak_bytes") == 11_239_424
    assert (saved_bytes(network), saved_bytes(network, 32)) == (86_121_984, 2_749_316_608)


def test_figures_of_resnet18() -> None:
    network = load("torchvision/resnet18")
    assert (saved_bytes(network), saved_bytes(network, 32)) == (22_218_240, 709_793_280)


def test_elementwise_by_hand(tmp_path: Path) -> None:
    chain = "conv 3x3, 4, bias=true -> bn -> relu -> add { identity | maxpool 3x3 } -> avgpool to=4x4 -> fc 5"
    network = written(tmp_path, chain)
    image = 4 * 6 * 6
    adaptive = 4 * 8 * 8  # windows 0..2, 1..3, 3..5, 4..6 along each axis
    assert (
        measure(network).elementwise == image + 2 * image + image + 9 * image + image + adaptive + 5
    )


def test_bytes_moved_by_hand(tmp_path: Path) -> None:
    network = written(tmp_path, "conv 3x3, 8, /2 -> bn -> relu")
    read, leaves, weights = 4 * 36 + 2 * 72, 3 * 72, 8 * 4 * 9 + 4 * 8
    assert measure(network).moved_bytes(3, 2) == 2 * (3 * (read + leaves) + weights)


def test_torch_agrees_unaided_where_nothing_is_grouped() -> None:
    """So the formula of the reference for a convolution's backward pass is torch's, but for groups."""
    for name in ("torchvision/resnet18", "se_resnet50"):
        network = load(name)
        module, x = references.built(network), references.example(network)
        assert references.training_flops(
            module, x, as_torch_counts=True
        ) == references.training_flops(module, x)


def test_a_repeat_is_its_turns(tmp_path: Path) -> None:
    steps = "bn -> relu -> conv 3x3, 4 -> drop_path 1 / 3"
    repeated = written(tmp_path, f"30 x {{ {steps} }} -> fc 4")
    turns = written(tmp_path, " -> ".join([steps] * 30) + " -> fc 4")
    assert Facts(repeated).backward.total == Facts(turns).backward.total


@pytest.mark.parametrize("optimizer, states", [("sgd", 0), ("momentum", 1), ("adamw", 2)])
def test_training_bound(optimizer: str, states: int) -> None:
    """Of real tensors: a step of torch's own optimizer on the built module."""
    network = load("resnet20")
    module = references.built(network)
    parameters = list(module.parameters())
    made: torch.optim.Optimizer = torch.optim.AdamW(parameters)
    if optimizer != "adamw":
        made = torch.optim.SGD(parameters, momentum=0.9 if states else 0)
    module(references.example(network)).sum().backward()
    made.step()
    kept = [
        value
        for state in made.state.values()
        for value in state.values()
        if torch.is_tensor(value) and value.dim()
    ]
    weights = sum(4 * tensor.numel() for tensor in module.parameters())
    gradients = sum(
        4 * tensor.grad.numel() for tensor in module.parameters() if tensor.grad is not None
    )
    assert sum(4 * tensor.numel() for tensor in kept) == states * weights
    bound = Facts(network, Conditions(2, optimizer=optimizer)).total("training_bound_bytes")
    assert bound == weights + gradients + states * weights + saved_bytes(network, 2)


def test_the_largest_batch_is_the_last_that_fits() -> None:
    bound = Facts(load("torchvision/resnet50"), Conditions(1, "bfloat16", "adamw")).training_bound
    for memory in (24 * 10**9, bound.bytes(7), bound.bytes(7) - 1):
        batch = bound.max_batch(memory)
        assert batch is not None
        assert bound.bytes(batch) <= memory < bound.bytes(batch + 1)
    assert bound.max_batch(10**6) == 0
    assert TrainingBound(5, 0).max_batch(5) is None


def saved_bytes(network: Network, batch: int = 1) -> int:
    return Facts(network, Conditions(batch)).total("saved_bytes")


def written(tmp_path: Path, chain: str) -> Network:
    path = tmp_path / "n.res"
    path.write_text(f"network n {{ input 4x6x6; stem {chain} }}", encoding="utf-8")
    return load(path)
