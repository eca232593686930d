"""Graphs whose ways cross: what they are written as computes the same."""

from __future__ import annotations

from random import Random

import pytest
import torch

from resspec.backends.module import build
from resspec.importing.decompose import decompose
from resspec.importing.errors import Unimportable
from resspec.importing.graph import Graph
from resspec.importing.nest import network
from tests.importing.graphs import evaluated
from tests.importing.sketched import graph

RES2 = """
    m.a = conv input
    m.b = conv m.a
    s = add m.b input in m
    m.c = conv s
    t = add m.c m.a in m
    m.d = conv t
    y = concat m.b m.c m.d input in m
"""
TWICE_SLICED = """
    a = conv input
    l = low a
    h = high a
    b = narrow l
    s = add b h
    c = narrow s
    y = concat b c h l
"""


def crossed(seed: int) -> Graph:
    """A graph of images of one size in which each step reads any steps before it."""
    random = Random(seed)
    values = ["input"]
    lines = []
    unread = set[str]()
    for i in range(random.randint(5, 14)):
        word = random.choice(["conv", "conv", "relu", "add", "add"])
        read = [random.choice(values[-5:]) for _ in range(2 if word == "add" else 1)]
        lines.append(f"v{i} = {word} {' '.join(read)}")
        values.append(f"v{i}")
        unread = unread - set(read) | {f"v{i}"}
    lines.append(f"y = concat {' '.join(sorted(unread))}")
    return graph("\n".join(lines))


def assert_computes_the_same(found: Graph) -> None:
    module = build(network(found, carries=True)).double().eval()
    generator = torch.Generator().manual_seed(1)
    tensors = {
        name: torch.randn(tensor.shape, generator=generator).double() / 8
        for name, tensor in module.state_dict().items()
    }
    module.load_state_dict(tensors)
    x = torch.randn(2, *found.input.dims, generator=generator).double().requires_grad_()
    (expected,) = evaluated(found, tensors, x)
    assert torch.equal(module(x), expected)
    (gradient,) = torch.autograd.grad(expected.square().sum(), x)
    (own,) = torch.autograd.grad(module(x).square().sum(), x)
    assert torch.allclose(own, gradient, rtol=1e-9)


@pytest.mark.parametrize("text", [RES2, TWICE_SLICED], ids=["res2net", "sliced"])
def test_ways_that_cross_are_carried(text: str) -> None:
    with pytest.raises(Unimportable, match="cross"):
        network(graph(text))
    assert_computes_the_same(graph(text))


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_are_carried(seed: int) -> None:
    assert_computes_the_same(crossed(seed))


def test_random_graphs_cross() -> None:
    assert sum(bool(decompose(crossed(seed)).crossings) for seed in range(60)) > 20


def test_values_of_several_sizes_cannot_be_carried() -> None:
    text = """
        a = conv input
        p = pool a
        b = conv p
        q = pool a
        c = conv a
        u = up b
        s = add c u
        d = pool c
        t = add d b
        v = up t
        y = add s v
    """
    with pytest.raises(Unimportable, match="cross"):
        network(graph(text), carries=True)
