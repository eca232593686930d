"""The totals of other tools against the tools themselves."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
import torchvision
from packaging.version import Version

from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.ir.tools import TOOLS
from resspec.passes.like import like
from resspec.passes.measure import measure
from tests.passes.counters import COUNTERS, counted, disagreements, torchvisions_own
from tests.passes.test_measure import ROWS, lowered, spec_of
from tests.random_specs import random_spec
from tests.specs.references import TORCHVISION

SPECS = 20
SLICES = 2


@pytest.mark.parametrize("start", range(0, SPECS, SPECS // SLICES))
def test_random_specs(start: int, tmp_path: Path) -> None:
    for seed in range(start, start + SPECS // SLICES):
        network = lowered(tmp_path, random_spec(seed))
        assert not disagreements(network, build(network)), seed


@pytest.mark.parametrize(
    "spec",
    [
        "torchvision/resnext50_32x4d",
        "torchvision/regnet_y_400mf",
        "torchvision/convnext_tiny",
        "torchvision/mobilenet_v3_small",
    ],
)
def test_torchvisions_own_networks(spec: str) -> None:
    """At their own size. The rest of torchvision's, which hold the same layers, in
    `tests/campaign`.
    """
    assert not disagreements(load(spec), torchvisions_own(spec))


CORNERS = [
    "upconv 3x3, 8, /2 -> upconv 2x2, 6, /2, bias=true, output_padding=1 -> conv 1x1, 4, bias=true",
    "upconv 3x3, 8, /2, groups=2, bias=true -> upconv 3x3, 8, groups=8 -> upconv 5x5, 16, groups=4, dilation=2",
    "conv 3x3, 8, groups=4, bias=true -> conv 3x3, 8, dilation=2, groups=8 -> conv 1x5, 6, /2",
    "to_last -> linear 8 -> ln -> linear 5, bias=false -> ln affine=false -> to_first -> ln2d -> fc 3 -> fc 3, bias=false",
    "bn -> bn affine=false -> bn track_running_stats=false -> bn affine=false, track_running_stats=false",
    "gn 2 -> gn 2, affine=false -> ln2d -> flatten -> bn -> ln -> bn affine=false",
    "relu -> relu6 -> silu -> gelu -> gelu tanh=true -> sigmoid -> hardswish -> hardsigmoid",
    "avgpool to=3x6 -> avgpool to=5x4",  # where the windows of thop are no exact fractions
    "maxpool 3x3, /2 -> maxpool to=3x2 -> maxpool",
    "conv 1x1, 4 -> softmax parts=2 -> mul { identity | avgpool -> channel_conv 3, bias=true -> sigmoid } -> avgpool -> channel_conv 5",
    "std_conv 3x3, 4, /2 -> scaled_std_conv 3x3, 6, /2, padding=same -> std_conv 1x1, 3, bias=true",
    "conv 3x3, 4, /2, padding=same -> maxpool 3x3, /2, padding=same -> avgpool 3x3, /2, padding=same -> conv 2x2, 3, padding=same, bias=true",
    "avgpool 3x3, /2 -> avgpool 2x2, ceil=true -> avgpool to=7x3 -> avgpool to=2x2 -> avgpool",
    "concat { identity | conv 3x3, 5 | avgpool 3x3 -> conv 1x1, 4 } -> add { identity | relu | conv 1x1, 13 } -> dropout 0.5",
    "mul { identity | avgpool -> conv 1x1, 4, bias=true -> sigmoid } -> layer_scale -> drop_path 0.5 -> shuffle 2",
    "3 x { 2 x { conv 3x3, 4 -> bn -> relu } -> bn }",
    "leaky_relu 0.2 -> elu -> celu -> mish -> tanh -> softplus -> softmax -> scale 2 -> to_last -> softmax -> to_first",
    "upsample 2 -> upsample size=5x7 -> upsample 2x3, mode=bilinear -> upsample size=5x7, mode=bilinear -> pad 1, 1, 1, 1",
    "conv 1x1, 4 -> rms_norm -> simple_norm affine=false -> grn -> evonorm_s0 2 -> lrn 3 -> gn 2, bias=false -> ln2d bias=false",
    "to_last -> linear 4 -> grn -> ln bias=false -> rms_norm affine=false -> simple_norm",
    "blurpool 3, /2 -> conv 1x1, 4 -> mul { identity | context_pool -> conv 1x1, 4 -> sigmoid }",
    "prelu -> conv 1x1, 6 -> prelu num_parameters=6 -> square -> gain -> shift",
    "conv 1x1, 4 -> act.scale: gain shape=C -> act.shift: shift shape=Cx1x1 -> bias: shift -> relu",
]


@pytest.mark.parametrize("chain", CORNERS)
def test_corners(chain: str, tmp_path: Path) -> None:
    network = written(tmp_path, chain)
    assert not disagreements(network, build(network))


@pytest.mark.parametrize("tool", COUNTERS)
def test_what_a_tool_cannot_count_is_said(tool: str, tmp_path: Path) -> None:
    """Of every layer that calculates, whether the tool itself adds nothing for it."""
    for layer in (
        "bn",
        "gn 2",
        "ln2d",
        "to_last -> ln",
        "rms_norm",
        "simple_norm affine=false",
        "grn",
        "evonorm_s0 2",
        "lrn 3",
        "context_pool",
        "relu",
        "relu6",
        "silu",
        "gelu",
        "sigmoid",
        "hardswish",
        "hardsigmoid",
        "mish",
        "leaky_relu",
        "elu",
        "celu",
        "prelu",
        "square",
        "tanh",
        "softplus",
        "softmax",
        "scale 2",
        "gain",
        "shift",
        "upsample 2, mode=bilinear",
        "maxpool 2x2",
        "maxpool",
        "avgpool 2x2",
        "avgpool",
        "layer_scale",
        "add { identity | identity }",
        "mul { identity | identity }",
        "conv 3x3, 4",
        "upconv 3x3, 4, groups=4",
        "fc 3, bias=false",
    ):
        network = written(tmp_path, layer)
        uncounted = set(like(network, tool).uncounted)
        nothing = counted(tool, build(network), network.input.dims) == 0
        assert uncounted == ({layer.replace("to_last -> ", "").split()[0]} if nothing else set()), (
            layer
        )


@pytest.mark.parametrize("tool", COUNTERS)
@pytest.mark.parametrize("layer", ["conv 3x3, 4", "upconv 3x3, 4", "fc 3"])
def test_a_bias_that_is_not_counted_is_said(tool: str, layer: str, tmp_path: Path) -> None:
    totals = []
    for bias in ("false", "true"):
        network = written(tmp_path, f"{layer}, bias={bias}")
        totals.append(counted(tool, build(network), network.input.dims))
    assert like(network, tool).uncounted == (
        (f"bias of {layer.split(maxsplit=1)[0]}",) if totals[0] == totals[1] else ()
    )


def test_no_tool_of_modules_sees_what_is_no_module() -> None:
    """torchvision calls the last steps of some networks as functions; ours has modules for them."""
    densenet, mobilenet = (
        {
            tool: like(load(spec), tool).total
            - counted(tool, torchvisions_own(spec), (3, 224, 224))
            for tool in COUNTERS
        }
        for spec in ("torchvision/densenet121", "torchvision/mobilenet_v2")
    )
    pictures = 1024 * 7 * 7, 1280 * 7 * 7
    assert {tool: missed for tool, missed in densenet.items() if missed} == {
        "ptflops": 2
        * pictures[0],  # the function alone, instead of module and function, of a ReLU and a pool
        "thop": pictures[0] + 1024,
    }
    assert {tool: missed for tool, missed in mobilenet.items() if missed} == {
        "ptflops": pictures[1],
        "thop": pictures[1] + 1280,
    }


@pytest.mark.parametrize("spec", TORCHVISION)
def test_torchvisions_published_operations(spec: str) -> None:
    published = {
        entry.meta["_ops"] for entry in torchvision.models.get_model_weights(TORCHVISION[spec])
    }
    assert round(like(load(spec), "torchvision").total / 1e9, 3) in published


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["model"])
def test_gold(row: dict[str, str], tmp_path: Path) -> None:
    network = lowered(tmp_path, spec_of(row["model"])[0])
    assert like(network, "pycls").total == int(row["macs_pycls"])
    assert like(network, "fvcore").total == int(row["macs_fvcore"])


@pytest.mark.parametrize(
    "spec, total",
    [
        ("torchvision/resnet101", 7_801_406_440),
        ("torchvision/resnext101_32x8d", 16_414_016_488),
        ("regnet_y_400mf", 401_849_056),
    ],
)
def test_figures_of_pycls(spec: str, total: int) -> None:
    """As its `complexity` gives them for the networks of its configuration."""
    assert like(load(spec), "pycls").total == total


def test_a_bridge_leads_from_macs_to_the_total() -> None:
    network = load("torchvision/resnet50")
    for tool in TOOLS:
        found = like(network, tool)
        start = "params" if tool == "keras" else "macs"
        assert found.bridge[0] == (start, getattr(measure(network), start))
        assert sum(item.value for item in found.bridge) == found.total
    assert like(network, "deepspeed").bridge == (
        ("macs", 4_089_184_256),
        ("additions", 4_089_184_256),
        ("bn", 22_227_968),
        ("relu", 9_608_704),
        ("maxpool", 802_816),
        ("avgpool", 100_352),
    )


@pytest.mark.parametrize("tool", COUNTERS)
def test_the_version_is_the_one_compared(tool: str) -> None:
    assert Version(TOOLS[tool].version) == Version(version(tool))


def written(tmp_path: Path, chain: str) -> Network:
    return lowered(tmp_path, f"network gold {{ input 4x13x16; stem {chain} }}")
