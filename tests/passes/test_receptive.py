"""Receptive fields against figures that others published, and against the window of an input's
gradient.
"""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.passes.receptive import Field, fields


@pytest.mark.parametrize(
    "name, size", [("vgg16", 212), ("resnet50", 483), ("resnet101", 1027), ("resnet152", 1507)]
)
def test_published(name: str, size: int) -> None:
    """Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks (Distill
    2019).
    """
    *_, last, _head = fields(load(name))
    assert last == Field((size, size), (Fraction(32), Fraction(32)))


@pytest.mark.parametrize("seed", range(10))
def test_window_of_the_gradient(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    network = written(tmp_path, " -> ".join(step(rng) for _ in range(rng.randint(1, 5))), 301)
    assert window(network) == fields(network)[0].size


@pytest.mark.parametrize(
    "chain, size",
    [
        ("conv 3x3, 4 -> upconv 2x2, 4, /2", (3, 3)),
        ("upconv 3x3, 4, /2, padding=0", (2, 2)),
        ("upconv 2x2, 4, /2 -> conv 3x3, 4", (2, 2)),
        ("mul { conv 3x3, 4 | avgpool -> conv 1x1, 4 -> sigmoid }", (15, 15)),
        ("conv 3x3, 4 -> avgpool", (17, 17)),
        ("conv 3x3, 4, /2 -> flatten", (17, 17)),
        ("conv 1x5, 4, /2, dilation=2", (1, 9)),
        ("avgpool to=5x3", (3, 5)),
        ("5 x { conv 3x3, 4 -> conv 1x3, 4 }", (11, 21)),
    ],
)
def test_by_hand(chain: str, size: tuple[int, int], tmp_path: Path) -> None:
    """Some reach over the border of the picture of 15x15, which cuts nothing off."""
    assert fields(written(tmp_path, chain, 15))[0].size == size


def step(rng: random.Random) -> str:
    """Of windows around their middle, so that the largest path's window holds those of the others."""
    size, stride, dilation = rng.choice([1, 3, 5]), rng.choice([1, 1, 2]), rng.choice([1, 1, 2])
    conv = f"conv {size}x{rng.choice([1, 3])}, 4, /{stride}, dilation={dilation}"
    match rng.randrange(5):
        case 0:
            return f"add {{ conv 3x3, 4, /{stride} -> conv {size}x3, 4 | subsample /{stride} -> conv 1x1, 4 }}"
        case 1:
            return f"2 x {{ concat {{ identity | conv {size}x3, 4 }} -> conv 1x1, 4 }}"
        case 2:
            return f"{rng.choice(['maxpool', 'avgpool'])} 3x3, /{stride}"
        case _:
            return f"{conv} -> bn -> relu"


def written(tmp_path: Path, chain: str, size: int) -> Network:
    path = tmp_path / "n.res"
    path.write_text(f"network n {{ input 3x{size}x{size}; stem {chain} }}", encoding="utf-8")
    return load(path)


def window(network: Network) -> tuple[int, int]:
    """Height and width of where an output in the middle has a gradient; weights are positive, so
    that nothing cancels.
    """
    module = build(network).eval().double()
    for parameter in module.parameters():
        nn.init.constant_(parameter, 0.1)
    swap_maxima(module)
    x = torch.ones(1, *network.input.dims, dtype=torch.double, requires_grad=True)
    y: Tensor = module(x)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    assert x.grad is not None
    seen = x.grad[0].sum(0) != 0
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


def swap_maxima(module: nn.Module) -> None:
    """A maximum has a gradient at one position only; a mean has it in the whole window."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.MaxPool2d):
                setattr(parent, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
