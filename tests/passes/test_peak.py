"""The inference peak against the storages that are alive while the emitted code runs, and against
its lower bound.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from resspec.backends.source import emit
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.passes.inference import inference_lower_bound
from resspec.passes.peak import inference_peak
from tests.passes import references
from tests.random_specs import random_spec

NAMES = (
    "densenet121 digits mobilenet_v2 plain18 plain20 preact_resnet50 preact_resnet110 regnet_y_400mf resnet20 resnet50 "
    "resnet50d resnet110 se_resnet50 vgg16 torchvision/resnet18 torchvision/resnet50"
    " torchvision/resnext50_32x4d torchvision/vgg11_bn"
).split()


@pytest.mark.parametrize("name", NAMES)
def test_shipped(name: str) -> None:
    network = load(name)
    lifetimes = references.Lifetimes.of(emitted(network), references.example(network, 1))
    held, needed = inference_peak(network), inference_lower_bound(network)
    assert (4 * held.elements, 4 * needed.elements) == (lifetimes.held, lifetimes.needed)
    assert (held.path, needed.path) == (lifetimes.held_at, lifetimes.needed_at)


def test_figure_of_resnet50() -> None:
    assert 4 * inference_peak(load("torchvision/resnet50")).elements == 11_239_424


def test_code_never_needs_less_than_the_bound(tmp_path: Path) -> None:
    for seed in range(200):
        path = tmp_path / "n.res"
        path.write_text(random_spec(seed), encoding="utf-8")
        network = load(path)
        assert inference_peak(network).elements >= inference_lower_bound(network).elements > 0


def test_by_hand(tmp_path: Path) -> None:
    """A row frees what has been read; a residual block holds its input, its branch and what the
    branch is made from.
    """
    image = 4 * 6 * 6
    path = tmp_path / "n.res"
    block = "block b { residual conv 3x3, 4 -> bn -> relu -> conv 3x3, 4 -> bn; shortcut B; after relu }"
    for chain, values in ("conv 3x3, 4 -> conv 3x3, 4 -> conv 3x3, 4", 2), ("conv 3x3, 4 -> b", 4):
        path.write_text(
            f"use he2015\n{block}\nnetwork n {{ input 4x6x6; stem {chain} }}", encoding="utf-8"
        )
        assert inference_peak(load(path)).elements == values * image


def emitted(network: Network) -> nn.Module:
    names: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(emit(network), "emitted", "exec"), names)
    with torch.device("meta"):
        made: nn.Module = names[names["__all__"][-1]]()
    return made
