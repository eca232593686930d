"""Batch norm on parts of the batch, and with exact statistics after training."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm


def split(module: nn.Module, size: int) -> None:
    """Make batch norm normalize each `size` images by themselves in training.

    It then computes what machines with `size` images each would. Its running statistics follow the
    mean over the parts.
    """
    for _, norm in norms(module):
        norm.forward = _Split(norm, size)


class _Split:
    """The forward pass of a batch norm in parts; parameters and buffers stay the norm's."""

    def __init__(self, norm: Any, size: int) -> None:
        self.norm, self.size = norm, size

    def __call__(self, x: Tensor) -> Tensor:
        norm = self.norm
        if not norm.training or len(x) <= self.size:
            whole: Tensor = type(norm).forward(norm, x)
            return whole
        mean, variance = torch.zeros_like(norm.running_mean), torch.zeros_like(norm.running_var)
        parts = [
            batch_norm(part, mean, variance, norm.weight, norm.bias, True, 1 / (i + 1), norm.eps)
            for i, part in enumerate(x.split(self.size))
        ]
        norm.num_batches_tracked += 1
        momentum = (
            norm.momentum if norm.momentum is not None else 1 / float(norm.num_batches_tracked)
        )
        norm.running_mean.lerp_(mean, momentum)
        norm.running_var.lerp_(variance, momentum)
        return torch.cat(parts)


@torch.no_grad()
def measure(
    module: nn.Module,
    batches: Iterable[Tensor],
    total: Callable[[Tensor], Tensor] = lambda own: own,
    frozen: Collection[nn.Module] = (),
) -> None:
    """Set running statistics to the mean and variance over all images of `batches`.

    They replace the moving averages. Each layer sees what the layers before it output in training.

    Args:
        module: The network.
        batches: Batches of images, all of one size.
        total: Returns the sum of a tensor over all processes, if each measures a part of the
            images.
        frozen: The batch norms that keep their statistics, and normalize by them.
    """
    measured = [norm for _, norm in norms(module) if norm not in frozen]
    sums = {
        norm: torch.zeros(
            2, norm.num_features, dtype=torch.float64, device=norm.running_mean.device
        )
        for norm in measured
    }

    def add(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        others = [axis for axis in range(x.ndim) if axis != 1]
        sums[norm] += torch.stack([x.mean(others), x.square().mean(others)])

    hooks = [norm.register_forward_pre_hook(add) for norm in measured]
    before = module.training
    module.train()
    for norm in frozen:
        norm.eval()
    count = 0
    try:
        for images in batches:
            module(images)
            count += 1
    finally:
        for hook in hooks:
            hook.remove()
        module.train(before)
    for norm in measured if count else ():
        mean, square = total(sums[norm]) / total(torch.tensor(count, device=sums[norm].device))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_((square - mean.square()).clamp(min=0))


def norms(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield the batch norms with running statistics, with their names."""
    return (
        (name, child)
        for name, child in module.named_modules()
        if isinstance(child, _BatchNorm) and child.running_mean is not None
    )
