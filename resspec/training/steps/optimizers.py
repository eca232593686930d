"""The optimizers of a recipe. Each leaves weights and its own state as they are where `found_inf`, a tensor that the loop
sets before each step, is 1: on the device, without the host waiting for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from resspec.training import recipe


def optimizer(
    module: nn.Module,
    told: recipe.OptimizerConfig,
    *,
    norm_weight_decay: float | None,
) -> Optimizer:
    """Return the optimizer of all parameters of a module.

    Args:
        module: The network.
        told: The section `optimizer` of a recipe.
        norm_weight_decay: Weight decay of the parameters of norms and of biases, which have one dimension; None: the
            same as that of all others.
    """
    together = norm_weight_decay is None
    weights = [parameter for parameter in module.parameters() if together or parameter.ndim > 1]
    others = [
        parameter for parameter in module.parameters() if not together and parameter.ndim <= 1
    ]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": told.weight_decay},
        {"params": others, "weight_decay": norm_weight_decay or 0.0},
    ]
    match told:
        case recipe.SGDConfig():
            made: Optimizer = SGD(
                groups, told.lr, momentum=told.momentum, nesterov=told.nesterov, fused=True
            )
            if (
                told.momentum
            ):  # torch would take them from the first gradient, which may be none to learn from
                for parameter in module.parameters():
                    made.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        case recipe.AdamWConfig():
            made = AdamW(groups, told.lr, told.betas, told.eps, fused=True)
        case recipe.LambConfig():
            made = Lamb(groups, told.lr, told.betas, told.eps)
    return made


class Lamb(Optimizer):
    """You et al. 2020, algorithm 2, with Adam's corrections of the first steps: the step of a tensor is Adam's with its
    weight decay, made as long as the tensor itself, times the learning rate. Without weight decay it keeps Adam's length."""

    found_inf: Tensor
    grad_scale = None

    def __init__(
        self,
        groups: list[dict[str, Any]],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
    ) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": 0.0})
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        del closure
        for group in self.param_groups:
            if group["params"]:
                self._step(
                    group["params"],
                    **{name: group[name] for name in ("lr", "betas", "eps", "weight_decay")},
                )

    def _step(
        self,
        weights: list[Tensor],
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
    ) -> None:
        states = [self.state[weight] for weight in weights]
        means, squares = (
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
        )
        counts = [state["step"] for state in states]
        good = 1 - getattr(
            self, "found_inf", torch.zeros((), device=weights[0].device)
        )  # 0: every line below changes nothing
        gradients = [
            torch.where(good > 0, weight.grad, 0) for weight in weights if weight.grad is not None
        ]

        torch._foreach_add_(
            counts, [good] * len(counts)
        )  # one tensor alone would be read as a number, which waits
        torch._foreach_mul_(means, 1 - (1 - betas[0]) * good)
        torch._foreach_add_(means, torch._foreach_mul(gradients, (1 - betas[0]) * good))
        torch._foreach_mul_(squares, 1 - (1 - betas[1]) * good)
        torch._foreach_add_(
            squares,
            torch._foreach_mul(torch._foreach_mul(gradients, gradients), (1 - betas[1]) * good),
        )

        count = counts[0].clamp(min=1)
        roots = torch._foreach_sqrt(torch._foreach_div(squares, 1 - betas[1] ** count))
        torch._foreach_add_(roots, eps)
        updates = torch._foreach_div(torch._foreach_div(means, 1 - betas[0] ** count), roots)
        if weight_decay:
            torch._foreach_add_(updates, weights, alpha=weight_decay)
            lengths, own = torch._foreach_norm(updates), torch._foreach_norm(weights)
            ratios = [
                torch.where((a > 0) & (b > 0), a / b, 1.0)
                for a, b in zip(own, lengths, strict=True)
            ]
            torch._foreach_mul_(updates, ratios)
        torch._foreach_add_(weights, torch._foreach_mul(updates, -lr * good))
