"""What a network does with an input of another size, beside torch on the meta device."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from random import Random

import pytest
import torch
from torch import nn

from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.ir.nodes import Parallel
from resspec.ir.shape import Shape
from resspec.passes.propagate import DoesNotFit, propagate, single_values
from tests.random_specs import random_spec
from tests.texts import written

SHIPPED = (
    "resnet18",
    "vgg16",
    "densenet121",
    "mobilenet_v2",
    "se_resnet50",
    "resnet50d",
)


def torch_output(
    network: Network, input: Shape, batch: int = 2, *, training: bool = False
) -> Shape | str:
    """The shape that torch's module leaves, or what it raises."""
    module = on_meta(network).train(training)
    images = torch.zeros(batch, *input.dims, device="meta")
    try:
        return Shape(tuple(module(images).shape[1:]), network.output.last)
    except (RuntimeError, ValueError) as error:
        return str(error)


@lru_cache(1)
def on_meta(network: Network) -> nn.Module:
    with torch.device("meta"):
        return build(network)


def own_output(network: Network, input: Shape) -> Shape | DoesNotFit:
    try:
        return propagate(network, input)[-1].output
    except DoesNotFit as problem:
        return problem


def agree(network: Network, input: Shape) -> None:
    own, theirs = own_output(network, input), torch_output(network, input)
    if isinstance(own, Shape):
        assert own == theirs, input
    elif not isinstance(own.node.node, Parallel):
        # where torch may broadcast, and a spec means equal sizes
        assert isinstance(theirs, str), (input, own.problem)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_networks_at_other_sizes(name: str) -> None:
    network = load(name)
    for side in (1, 2, 5, 31, 33, 225):
        agree(network, Shape((network.input.channels, side, 224)))


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_at_random_sizes(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    network = load(written(tmp_path, random_spec(seed)))
    if not network.input.is_image:
        return
    for _ in range(4):
        sides = (chance.randrange(1, 40), chance.randrange(1, 40))
        agree(network, Shape((network.input.channels, *sides)))


def test_own_input_gives_own_output() -> None:
    network = load("resnet1202")
    assert propagate(network, network.input)[-1].output == network.output


NORMS = """
network norms {{
    input 3x8x8
    stem {stem}
    head avgpool -> fc 4
}}
"""


@pytest.mark.parametrize(
    "stem",
    [
        "conv 3x3, 4, /2 -> bn",
        "avgpool -> conv 1x1, 4 -> bn",
        "avgpool -> conv 1x1, 4 -> gn 4",
        "avgpool -> conv 1x1, 4 -> gn 2",
        "conv 3x3, 4 -> mul { identity | avgpool -> conv 1x1, 4 -> bn -> sigmoid }",
        "conv 8x8, 4, padding=0 -> bn -> relu",
    ],
)
@pytest.mark.parametrize("training", [False, True])
def test_norms_over_a_single_value(stem: str, training: bool, tmp_path: Path) -> None:
    """As torch says it of one image, and never of two."""
    network = load(written(tmp_path, NORMS.format(stem=stem)))
    told = bool(list(single_values(propagate(network, network.input), training=training)))
    one = torch_output(network, network.input, 1, training=training)
    two = torch_output(network, network.input, 2, training=training)
    assert told == (isinstance(one, str) and "more than 1 value" in one)
    assert isinstance(two, Shape)
