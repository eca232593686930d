"""The moving average of weights and buffers, which is what is tested in the end."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from resspec.train.recipe import Ema


def average(module: nn.Module) -> nn.Module:
    """A copy to keep the average in: it is never trained."""
    return deepcopy(module).eval().requires_grad_(False)


@torch.no_grad()
def update(mean: nn.Module, module: nn.Module, ema: Ema, step: int) -> None:
    """After a step, counted from 1. Numbers that count, as batch norm's of batches, are copied."""
    if step % ema.every:
        return
    means, news = _tensors(mean), _tensors(module)
    pairs = list(zip(means, news, strict=True))
    torch._foreach_lerp_([a for a, _ in pairs if a.is_floating_point()], [b for _, b in pairs if b.is_floating_point()],
                         1 - ema.decay**ema.every)
    for a, b in pairs:
        if not a.is_floating_point():
            a.copy_(b)


def _tensors(module: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*module.parameters(), *module.buffers())]
