"""The moving average of weights and buffers, which is what is tested in the end."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from resspec.training.recipe import EMAConfig


def average(module: nn.Module) -> nn.Module:
    """A copy to keep the average in: it is never trained."""
    return deepcopy(module).eval().requires_grad_(False)


class Follower:
    """What brings an average up to date: the tensors of both sides are looked up once."""

    def __init__(self, mean: nn.Module, module: nn.Module, ema: EMAConfig) -> None:
        pairs = list(zip(_tensors(mean), _tensors(module), strict=True))
        self._ema = ema
        self._means, self._news = (
            [pair[side] for pair in pairs if pair[0].is_floating_point()] for side in (0, 1)
        )
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """After a step, counted from 1. Numbers that count, as batch norm's of batches, are copied."""
        if step % self._ema.every:
            return
        torch._foreach_lerp_(self._means, self._news, 1 - self._ema.decay**self._ema.every)
        for count, new in self._counts:
            count.copy_(new)


def _tensors(module: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*module.parameters(), *module.buffers())]
