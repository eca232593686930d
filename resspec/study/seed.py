"""The seed equation of He et al. 2016.

In a run of blocks that are each x + F(x), the gradient at the run's input is the gradient at its
output, unchanged, and what comes through the sum of all F:

    ∂E/∂x_l = ∂E/∂x_L · (1 + ∂/∂x_l Σ F(x_i))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from resspec.backends.module import Flow, Steps, run_steps


class Checked(NamedTuple):
    """The equation on a run of blocks.

    Attributes:
        first: The path of the first block.
        last: The path of the last block.
        blocks: How many blocks there are.
        error: Of the equation, relative to ∂E/∂x_l.
        share: The norm of the second term as a share of that of the first.
    """

    first: str
    last: str
    blocks: int
    error: float
    share: float


def residual_path(block: nn.Module) -> Steps | None:
    """Return the steps of F where the block as a whole is x + F(x)."""
    match getattr(block, "__steps__", None):
        case ((("add" | "add_"), _, (tuple(one), tuple(other))),) if bool(one) != bool(other):
            return one or other
        case _:
            return None


def runs(module: nn.Module, paths: Sequence[str]) -> list[list[str]]:
    """Return neighboring blocks of one parent that are each x + F(x), two at least."""
    found: list[list[str]] = [[]]
    for path in paths:
        if residual_path(module.get_submodule(path)) is None:
            found.append([])
        elif found[-1] and _parent(found[-1][-1]) != _parent(path):
            found.append([path])
        else:
            found[-1].append(path)
    return [run for run in found if len(run) > 1]


def check(
    module: nn.Module, paths: Sequence[str], images: Tensor, loss: Callable[[Tensor], Tensor]
) -> list[Checked]:
    """Check the equation on each run, in float64, with batch norm using batch statistics.

    The module becomes float64. The second term is a vector-Jacobian product of the sum of all F,
    computed on its own from the same values.
    """
    module = deterministic(module.double())
    found = runs(module, paths)
    inputs, outputs = _Kept(), _Kept()
    with ExitStack() as hooks:
        for first, *_, last in found:
            inputs.watch_input(module.get_submodule(first), hooks)
            outputs.watch_output(module.get_submodule(last), hooks)
        error = loss(module(images.double().requires_grad_()))
    if not found:
        return []
    values = inputs.values + outputs.values
    grads = torch.autograd.grad(error, values)
    at_inputs, at_outputs = grads[: len(found)], grads[len(found) :]
    return [
        _compared([module.get_submodule(path) for path in run], run, value.detach(), *ends)
        for run, value, *ends in zip(found, inputs.values, at_inputs, at_outputs, strict=True)
    ]


def deterministic(module: nn.Module) -> nn.Module:
    """Set training mode, except for layers that are random."""
    module.train()
    for child in module.modules():
        if isinstance(child, nn.Dropout) or type(child).__name__ == "DropPath":
            child.eval()
    return module


def through_residuals(blocks: Sequence[nn.Module], start: Tensor, at_output: Tensor) -> Tensor:
    """Return ∂E/∂x_L · ∂/∂x_l Σ F, from x_l and ∂E/∂x_L alone."""
    x = origin = start.clone().requires_grad_()
    total = torch.zeros_like(start)
    for block in blocks:
        steps = residual_path(block)
        assert isinstance(block, Flow) and steps is not None
        residual = run_steps(block, steps, x.clone())
        x, total = x + residual, total + residual
    return torch.autograd.grad(total, origin, at_output)[0]


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


class _Kept:
    """Values at one end of each run, in the order of the runs.

    The value that is kept and the one that is passed on are copies, since blocks may write over
    their inputs.
    """

    def __init__(self) -> None:
        self.values: list[Tensor] = []

    def watch_input(self, block: nn.Module, hooks: ExitStack) -> None:
        def hook(_: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
            return (self._keep(inputs[0]),)

        hooks.callback(block.register_forward_pre_hook(hook).remove)

    def watch_output(self, block: nn.Module, hooks: ExitStack) -> None:
        def hook(_: nn.Module, __: Any, output: Tensor) -> Tensor:
            return self._keep(output)

        hooks.callback(block.register_forward_hook(hook).remove)

    def _keep(self, value: Tensor) -> Tensor:
        self.values.append(value.clone())
        return self.values[-1].clone()


def _compared(
    blocks: Sequence[nn.Module],
    run: Sequence[str],
    start: Tensor,
    at_input: Tensor,
    at_output: Tensor,
) -> Checked:
    through = through_residuals(blocks, start, at_output)
    error = float((at_input - (at_output + through)).norm() / at_input.norm())
    share = float(through.norm() / at_output.norm())
    return Checked(run[0], run[-1], len(run), error, share)
