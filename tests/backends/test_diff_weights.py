"""The report on a checkpoint is what `load_state_dict` does with it, on meta modules."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from resspec.backends.diff.weights import Weights, weights
from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.fingerprint import Digests
from resspec.ir.network import Network

SHIPPED = [
    ("resnet50", "resnet152"),
    ("resnet50", "torchvision/resnet50"),
    ("resnet34", "resnet50"),
    ("resnet18", "plain18"),
    ("torchvision/resnet50", "torchvision/resnext50_32x4d"),
    ("densenet121", "mobilenet_v2"),
    ("torchvision/vgg16", "torchvision/vgg16_bn"),
    ("regnet_y_400mf", "regnet_y_400mf"),
    ("resnet110", "resnet20"),
]


def on_meta(network: Network) -> nn.Module:
    with torch.device("meta"):
        return build(network)


def loads(a: nn.Module, b: nn.Module, *, strict: bool) -> bool:
    try:
        b.load_state_dict(a.state_dict(), strict=strict, assign=True)
    except RuntimeError:
        return False
    return True


def agrees(a: Network, b: Network) -> Weights:
    """What is said, once torch has said the same."""
    said = weights(a, b, Digests())
    x, y = on_meta(a), on_meta(b)
    before, after = (
        {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
        for module in (x, y)
    )
    assert (said.a.tensors, said.b.tensors) == (len(before), len(after))
    assert said.b.params == sum(tensor.numel() for tensor in y.parameters())
    assert {t.name: t.a for t in said.vanished} == {
        name: s for name, s in before.items() if name not in after
    }
    assert {t.name: t.b for t in said.appeared} == {
        name: s for name, s in after.items() if name not in before
    }
    kept = {name for name in before if before[name] == after.get(name)}
    assert {t.name for t in said.reshaped} == before.keys() & after.keys() - kept
    assert all((t.a, t.b) == (before[t.name], after[t.name]) for t in said.reshaped)
    assert said.kept.tensors == len(kept)
    assert said.kept.params == sum(
        tensor.numel() for name, tensor in y.named_parameters() if name in kept
    )
    assert (said.loads == "strictly") == loads(x, y, strict=True)
    assert (said.loads != "not as it is") == loads(x, y, strict=False)
    return said


@pytest.mark.parametrize(("a", "b"), SHIPPED)
def test_shipped_networks(a: str, b: str) -> None:
    agrees(load(a), load(b))


def test_how_a_checkpoint_loads() -> None:
    assert agrees(load("resnet50"), load("torchvision/resnet50")).loads == "strictly"
    assert agrees(load("resnet50"), load("resnet152")).loads == "in part"
    assert agrees(load("resnet34"), load("resnet50")).loads == "not as it is"


STEPS = [
    "conv 3x3, 8",
    "conv 3x3, 16, bias=true",
    "bn",
    "relu",
    "unit 8",
    "unit 16",
    "2 x unit 8",
    "other 8",
    "named: conv 1x1, 8",
    "a.b: conv 3x3, 8",
    "a.c: bn",
    "add { conv 3x3, 8 | conv 1x1, 8 }",
    "concat { identity | conv 1x1, 8 }",
    "layer_scale 0.5",
    "gn groups=4",
    "bn affine=false",
    "bn track_running_stats=false",
]
BLOCKS = """
block unit(width) { residual conv 3x3, width -> bn; shortcut projected }
block other(width) { conv 3x3, width -> inner: conv 1x1, width, bias=true -> bn }
shortcut projected { same: identity; change: conv 1x1, out }
"""


def test_random_networks(tmp_path: Path) -> None:
    draw = random.Random(0)
    seen = set()
    networks: list[Network] = []
    while len(networks) < 60:
        drawn = draw.sample(STEPS, draw.randint(1, 4))
        path = tmp_path / "n.res"
        size = draw.choice([8, 8, 16])
        chain = " -> ".join(["conv 1x1, 8", *drawn])
        clauses = f"input 3x{size}x{size}; stage s: {chain}; head flatten -> fc 3"
        path.write_text(f"{BLOCKS}network n {{ {clauses} }}", encoding="utf-8")
        networks.append(load(path))
    for a, b in pairwise(networks):
        seen.add(agrees(a, b).loads)
    for network in networks[:10]:
        seen.add(agrees(network, network).loads)
    assert seen == {"strictly", "in part", "not as it is"}
