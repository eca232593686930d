"""Blocks whose values are not kept for the backward pass, which computes them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recompute(module: nn.Module, blocks: Iterable[str]) -> None:
    """Make blocks of a module compute their values again in the backward pass.

    Gradients stay the same bit for bit: batch norm normalizes by the same batch, dropout draws the
    same numbers, and running statistics change once.

    Args:
        module: The network.
        blocks: The full names of the blocks.
    """
    for name in blocks:
        block = module.get_submodule(name)
        block.forward = _Recomputed(block)


class _Recomputed:
    """The forward pass of a block; parameters and buffers stay the block's."""

    def __init__(self, block: nn.Module) -> None:
        self.block = block
        self.forward: Callable[[Tensor], Any] = block.forward
        self.norms = [each for each in block.modules() if isinstance(each, _BatchNorm)]

    def __call__(self, x: Tensor) -> Any:
        if not torch.is_grad_enabled():
            return self.forward(x)
        return checkpoint(self.forward, x, use_reentrant=False, context_fn=self._contexts)

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _apart(self.norms)


@contextmanager
def _apart(norms: Iterable[Any]) -> Iterator[None]:
    """Let batch norms change copies of their running statistics."""
    kept = [(norm, name, buffer) for norm in norms for name, buffer in norm.named_buffers()]
    for norm, name, buffer in kept:
        setattr(norm, name, buffer.clone())
    try:
        yield
    finally:
        for norm, name, buffer in kept:
            setattr(norm, name, buffer)
