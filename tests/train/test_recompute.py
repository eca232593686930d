"""Blocks that are computed again: the same gradients, and the bytes that were predicted."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

import resspec
from resspec.backends.module import build
from resspec.compiler import load
from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.passes.recomputation import BudgetTooSmall, TrainingMemory, fits, recomputation
from resspec.training.steps import batch_norm
from resspec.training.steps.recompute import recompute
from tests.texts import written

BATCH = 4
STEP = TrainingMemory(BATCH, "float32", 0)
ANY = 1 << 60
RANDOM = """
block drawn(width) {
    residual conv 3x3, width, /stride -> bn -> relu -> dropout 0.3 -> conv 3x3, width -> bn -> drop_path 0.2 * index / count
    shortcut B
    after relu
}
block plain(width) { conv 3x3, width }
block written_over(width) { relu inplace=true -> conv 3x3, width -> bn }
block squeezed(width) { mul { identity | avgpool -> conv 1x1, in, bias=true -> sigmoid } }
shortcut B { same: identity; change: conv 1x1, out, /stride -> bn }
network drawn_net {
    input 3x16x16
    stem conv 3x3, 8 -> bn -> relu
    stage a: 3 x drawn 8
    stage b: 2 x drawn 16, /2 -> squeezed 16 -> plain 16 -> written_over 16
    head avgpool -> dropout 0.5 -> fc 5
}
"""


@pytest.fixture
def drawn(tmp_path: Path) -> Network:
    return load(written(tmp_path, RANDOM))


class Step:
    """A step, with what autograd kept between its passes."""

    def __init__(self, network: Network, blocks: tuple[str, ...], part: int | None = None) -> None:
        torch.manual_seed(0)
        module = build(network).train()
        if part:
            batch_norm.split(module, part)
        recompute(module, blocks)
        own = [*module.parameters(), *module.buffers()]
        owned = {tensor.untyped_storage().data_ptr() for tensor in own}
        kept: dict[int, Tensor] = {}

        def pack(tensor: Tensor) -> Tensor:
            place = tensor.untyped_storage().data_ptr()
            if place not in owned:
                kept[place] = tensor
            return tensor

        images = torch.randn(BATCH, *network.input.dims)
        with saved_tensors_hooks(pack, lambda tensor: tensor):
            result = module(images)
        self.saved = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
        result.square().mean().backward()
        self.tensors = {name: each.grad for name, each in module.named_parameters()}
        self.tensors |= dict(module.named_buffers()) | {"next": torch.rand(3)}

    def assert_same(self, other: Step) -> None:
        for name, tensor in self.tensors.items():
            assert tensor is not None and torch.equal(tensor, other.tensors[name]), name  # type: ignore[arg-type]


def least(network: Network) -> int:
    with pytest.raises(BudgetTooSmall) as found:
        recomputation(network, 0, STEP)
    return found.value.least


def assert_exact(network: Network, part: int | None = None) -> None:
    whole = recomputation(network, ANY, STEP)
    before = Step(network, whole.blocks, part)
    low = least(network)
    for budget in (low, (low + whole.saved) // 2):
        found = recomputation(network, budget, STEP)
        assert found.blocks and found.peak <= budget
        after = Step(network, found.blocks, part)
        after.assert_same(before)
        if part is None:
            assert (before.saved, after.saved) == (whole.saved, found.saved)


def test_random_draws_and_batch_norm(drawn: Network) -> None:
    assert_exact(drawn)


def test_batch_norm_in_parts(drawn: Network) -> None:
    assert_exact(drawn, part=2)


@pytest.mark.parametrize("name", ["resnet20", "torchvision/efficientnet_b0"])
def test_shipped_networks(name: str) -> None:
    assert_exact(load(name, input=32))


def test_it_adds_the_least_work(drawn: Network) -> None:
    """Against all choices of blocks, each with the bytes that torch keeps."""
    saved = {blocks: Step(drawn, blocks).saved for blocks in _subsets(("a.0", "a.1", "a.2"))}
    full = recomputation(drawn, ANY, STEP)
    for budget in sorted(set(saved.values()))[-3:]:
        found = recomputation(drawn, budget, STEP)
        assert found.saved <= budget
        enough = [blocks for blocks, kept in saved.items() if kept <= budget]
        assert len(found.blocks) <= min(map(len, enough))
    assert full.blocks == () and full.macs == 0


def _subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [chosen for n in range(len(names) + 1) for chosen in combinations(names, n)]


def test_the_least_budget_is_the_least(drawn: Network) -> None:
    low = least(drawn)
    assert fits(drawn, low, STEP) and not fits(drawn, low - 1, STEP)


def test_a_block_that_overwrites_its_input_is_kept(drawn: Network) -> None:
    assert "b.4" not in recomputation(drawn, least(drawn), STEP).blocks


def test_a_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    network = load("digits")
    settings = {"epochs": "1", "precision": "fp32", "ema.decay": "0.9", "micro_batch_size": "64"}
    plain = resspec.train(network, run=tmp_path / "a", settings=settings)
    same = resspec.train(network, run=tmp_path / "b", settings=settings | {"memory": "3100KB"})
    a, b = (load_file(run / "weights.safetensors") for run in (plain.run, same.run))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_budget_that_cannot_be_reached_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"write `memory: [0-9]+MB`"):
        resspec.train(load("digits"), run=tmp_path / "a", settings={"memory": "1KB"})
    assert not (tmp_path / "a").exists()
