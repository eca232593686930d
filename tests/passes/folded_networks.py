"""Networks before and after folding, with random parameters and statistics, in float64."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.ir.network import Network
from resspec.passes.folded import Folding
from resspec.passes.folding import fold
from resspec.training.weights.folding import fold_weights

BOUND = 1e-12


@contextmanager
def float64() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def drawn(network: Network, seed: int = 0) -> nn.Module:
    """Return a module in evaluation whose every parameter and statistic is random."""
    generator = torch.Generator().manual_seed(seed)
    module = build(network).eval()
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                continue
            noise = torch.rand(tensor.shape, generator=generator) - 0.5
            spread = tensor.std() if tensor.numel() > 1 else 0.0
            is_fixed = bool(spread == 0)
            if name.endswith(("running_var", "weight")) and is_fixed:
                tensor.copy_(1 + noise)
            elif is_fixed:
                tensor.copy_(noise / 2)
    return module


def assert_folded(network: Network, *, seed: int = 0, bound: float = BOUND) -> Folding:
    """Check that a folded network leaves what the network does."""
    folding = fold(network)
    with float64(), torch.no_grad():
        before, after = drawn(network, seed), build(folding.network).eval()
        after.load_state_dict(fold_weights(folding, before.state_dict()))
        images = torch.randn(2, *network.input.dims, generator=torch.Generator().manual_seed(seed))
        wanted, found = _values(before(images)), _values(after(images))
        limit = max(bound, 100 * _amplified(before, images, wanted))
        for a, b in zip(found, wanted, strict=True):
            assert a.shape == b.shape
            assert _distance(a, b) <= limit
    return folding


def _values(found: Tensor | dict[str, Tensor]) -> list[Tensor]:
    return [found] if isinstance(found, Tensor) else list(found.values())


def _distance(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-300))


def _amplified(module: nn.Module, images: Tensor, wanted: list[Tensor]) -> float:
    """Return how far the outputs move when the pixels do, by a unit in the last place: networks of a
    thousand layers amplify rounding.
    """
    moved = _values(module(images * (1 + 2e-16)))
    return max(_distance(a, b) for a, b in zip(moved, wanted, strict=True))
