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
from resspec.ir import walk
from resspec.ir.nodes import Op
from resspec.ir.ops.resize import PixelShuffle
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


def of_sizes(seed: int) -> Graph:
    """A graph in which each step reads any steps before it, of 4x4 or 2x2 pixels."""
    random = Random(seed)
    values = {"large": ["input"], "small": list[str]()}
    unread = {"large": set[str](), "small": set[str]()}
    lines = []
    for i in range(random.randint(6, 14)):
        size = random.choice([size for size, read in values.items() if read])
        word = random.choice(["conv", "conv", "add", "pool" if size == "large" else "up"])
        read = [random.choice(values[size][-4:]) for _ in range(2 if word == "add" else 1)]
        lines.append(f"v{i} = {word} {' '.join(read)}")
        unread[size] -= set(read)
        new = {"pool": "small", "up": "large"}.get(word, size)
        values[new].append(f"v{i}")
        unread[new].add(f"v{i}")
    lines += [f"u{value} = up {value}" for value in sorted(unread["small"])]
    ends = [*sorted(unread["large"]), *(f"u{value}" for value in sorted(unread["small"]))]
    return graph("\n".join([*lines, f"y = concat {' '.join(ends)}"]))


@pytest.mark.parametrize("seed", range(20))
def test_values_of_several_sizes_are_carried(seed: int) -> None:
    assert_computes_the_same(of_sizes(seed))


def test_values_of_several_sizes_cross() -> None:
    crossing = [seed for seed in range(20) if decompose(of_sizes(seed)).crossings]
    carried = [network(of_sizes(seed), carries=True) for seed in crossing]
    shuffled = [each for each in carried if any(map(_shuffles, walk.layers(walk.whole(each))))]
    assert len(shuffled) > 3


def _shuffles(layer: tuple[str, walk.Step]) -> bool:
    _, step = layer
    return isinstance(step.node, Op) and isinstance(step.node.layer, PixelShuffle)


def test_sizes_that_are_no_multiples_cannot_be_carried() -> None:
    text = """
        a = crop input
        b = conv input
        c = conv a
        d = crop b
        e = add c d
        f = add a d
        g = conv b
        h = crop g
        y = concat e f h
    """
    with pytest.raises(Unimportable, match="cross"):
        network(graph(text), carries=True)
