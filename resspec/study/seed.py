"""The seed equation of He et al. 2016: in a run of blocks that are each x + F(x), the gradient at the run's input is that at
its output, unchanged, and what comes through the sum of all F:

    ∂E/∂x_l = ∂E/∂x_L · (1 + ∂/∂x_l Σ F(x_i))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from resspec.backends.module import Flow, Steps, run_steps

Keep = Callable[[tuple[int, str], Tensor], Tensor]


class Checked(NamedTuple):
    """A run of blocks, by the paths of its first and last. `error`: of the equation, relative to ∂E/∂x_l; `share`: how large
    the second term is beside the first."""

    first: str
    last: str
    blocks: int
    error: float
    share: float


def residual_path(block: nn.Module) -> Steps | None:
    """The steps of F where the block as a whole is x + F(x)."""
    match getattr(block, "__steps__", None):
        case ((("add" | "add_"), _, (tuple(one), tuple(other))),) if bool(one) != bool(other):
            return one or other
        case _:
            return None


def runs(module: nn.Module, paths: Sequence[str]) -> list[list[str]]:
    """Neighbouring blocks of one parent that are each x + F(x), two at least."""
    found: list[list[str]] = [[]]
    for path in paths:
        if residual_path(module.get_submodule(path)) is None:
            found.append([])
        elif found[-1] and found[-1][-1].rpartition(".")[0] != path.rpartition(".")[0]:
            found.append([path])
        else:
            found[-1].append(path)
    return [run for run in found if len(run) > 1]


def check(
    module: nn.Module, paths: Sequence[str], images: Tensor, loss: Callable[[Tensor], Tensor]
) -> list[Checked]:
    """The equation on each run, in float64, batch norm with the statistics of the batch; the module becomes float64. The second
    term is a vector-Jacobian product of the sum of all F, of its own, on the same values."""
    module = deterministic(module.double())
    found = runs(module, paths)
    kept: dict[tuple[int, str], Tensor] = {}

    def keep(key: tuple[int, str], value: Tensor) -> Tensor:
        kept[key] = (
            value.clone()
        )  # what is kept and what goes on: blocks may write over what they read
        return kept[key].clone()

    with ExitStack() as hooks:
        for number, run in enumerate(found):
            first, last = (module.get_submodule(path) for path in (run[0], run[-1]))
            hooks.callback(
                first.register_forward_pre_hook(_input_hook(keep, (number, "in"))).remove
            )
            hooks.callback(last.register_forward_hook(_output_hook(keep, (number, "out"))).remove)
        error = loss(module(images.double().requires_grad_()))
    if not found:
        return []
    keys = [(number, end) for number in range(len(found)) for end in ("in", "out")]
    grads = dict(zip(keys, torch.autograd.grad(error, [kept[key] for key in keys]), strict=True))
    return [
        _compared(
            module, run, kept[number, "in"].detach(), grads[number, "in"], grads[number, "out"]
        )
        for number, run in enumerate(found)
    ]


def deterministic(module: nn.Module) -> nn.Module:
    """Training mode but for what chance decides."""
    module.train()
    for child in module.modules():
        if isinstance(child, nn.Dropout) or type(child).__name__ == "DropPath":
            child.eval()
    return module


def _compared(
    module: nn.Module, run: Sequence[str], start: Tensor, at_input: Tensor, at_output: Tensor
) -> Checked:
    through = through_residuals([module.get_submodule(path) for path in run], start, at_output)
    error = float((at_input - (at_output + through)).norm() / at_input.norm())
    return Checked(run[0], run[-1], len(run), error, float(through.norm() / at_output.norm()))


def through_residuals(blocks: Sequence[nn.Module], start: Tensor, at_output: Tensor) -> Tensor:
    """∂E/∂x_L · ∂/∂x_l Σ F, from x_l and ∂E/∂x_L alone."""
    x = origin = start.clone().requires_grad_()
    total = torch.zeros_like(start)
    for block in blocks:
        steps = residual_path(block)
        assert isinstance(block, Flow) and steps is not None
        residual = run_steps(block, steps, x.clone())
        x, total = x + residual, total + residual
    return torch.autograd.grad(total, origin, at_output)[0]


def _input_hook(
    keep: Keep, key: tuple[int, str]
) -> Callable[[nn.Module, tuple[Tensor]], tuple[Tensor]]:
    return lambda _, inputs: (keep(key, inputs[0]),)


def _output_hook(keep: Keep, key: tuple[int, str]) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    return lambda _, __, output: keep(key, output)
