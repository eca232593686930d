"""An exponential moving average of weights and buffers, which is tested and saved."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from resspec.training.recipe import EMAConfig


def averaged_copy(module: nn.Module) -> nn.Module:
    """Return a copy of a module to keep the average in, which is never trained."""
    return deepcopy(module).eval().requires_grad_(False)


class EMA:
    """Updates an average in place; the tensors of both modules are looked up once.

    Args:
        average: The module that holds the average.
        module: The module that is trained.
        config: The section `ema` of a recipe.
    """

    def __init__(self, average: nn.Module, module: nn.Module, config: EMAConfig) -> None:
        pairs = list(zip(_tensors(average), _tensors(module), strict=True))
        floating = [pair for pair in pairs if pair[0].is_floating_point()]
        self._config = config
        self._averages = [pair[0] for pair in floating]
        self._values = [pair[1] for pair in floating]
        self._counters = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Update after a step, counted from 1; batch norm's counters are copied."""
        config = self._config
        if step % config.every:
            return
        torch._foreach_lerp_(self._averages, self._values, 1 - config.decay**config.every)
        for average, value in self._counters:
            average.copy_(value)


def _tensors(module: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*module.parameters(), *module.buffers())]
