"""The optimizers of a recipe.

Each leaves the weights and its own state unchanged if `found_inf`, a tensor that is set before each
step, is 1: on the device, without a wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from resspec.training import recipe


def optimizer(
    module: nn.Module,
    config: recipe.OptimizerConfig,
    *,
    norm_weight_decay: float | None,
) -> Optimizer:
    """Return the optimizer of all parameters of a module.

    Args:
        module: The network.
        config: The section `optimizer` of a recipe.
        norm_weight_decay: Weight decay of norms and biases, which have one dimension; None: the
            same as that of the weights.
    """
    parameters = list(module.parameters())
    is_apart = norm_weight_decay is not None
    weights = [each for each in parameters if not is_apart or each.ndim > 1]
    others = [each for each in parameters if is_apart and each.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": weights, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": norm_weight_decay or 0.0},
    ]
    match config:
        case recipe.SGDConfig(lr=lr, momentum=momentum, nesterov=nesterov):
            sgd = SGD(groups, lr, momentum=momentum, nesterov=nesterov, fused=True)
            # torch would copy the first gradient, which may be one that is not finite.
            for parameter in parameters if momentum else ():
                sgd.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
            return sgd
        case recipe.AdamWConfig():
            return AdamW(groups, config.lr, config.betas, config.eps, fused=True)
        case recipe.LambConfig():
            return Lamb(groups, config.lr, config.betas, config.eps)


class Lamb(Optimizer):
    """LAMB (You et al. 2020, algorithm 2), with Adam's bias correction.

    The step of each tensor is Adam's with its weight decay, scaled to the length of the tensor
    times the learning rate. Without weight decay it keeps Adam's length.
    """

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
                self._step(**group)

    def _step(
        self,
        params: list[Tensor],
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
    ) -> None:
        states = [self.state[weight] for weight in params]
        means = [state["exp_avg"] for state in states]
        squares = [state["exp_avg_sq"] for state in states]
        counts = [state["step"] for state in states]
        # 0 if a value is not finite: every line below then changes nothing.
        good = 1 - getattr(self, "found_inf", torch.zeros((), device=params[0].device))
        gradients = [
            torch.where(good > 0, each.grad, 0) for each in params if each.grad is not None
        ]

        # A list: one tensor alone would be read as a number, which waits for the device.
        torch._foreach_add_(counts, [good] * len(counts))
        torch._foreach_mul_(means, 1 - (1 - betas[0]) * good)
        torch._foreach_add_(means, torch._foreach_mul(gradients, (1 - betas[0]) * good))
        torch._foreach_mul_(squares, 1 - (1 - betas[1]) * good)
        gradients_squared = torch._foreach_mul(gradients, gradients)
        torch._foreach_add_(squares, torch._foreach_mul(gradients_squared, (1 - betas[1]) * good))

        count = counts[0].clamp(min=1)
        roots = torch._foreach_sqrt(torch._foreach_div(squares, 1 - betas[1] ** count))
        torch._foreach_add_(roots, eps)
        updates = torch._foreach_div(torch._foreach_div(means, 1 - betas[0] ** count), roots)
        if weight_decay:
            torch._foreach_add_(updates, params, alpha=weight_decay)
            lengths = zip(torch._foreach_norm(params), torch._foreach_norm(updates), strict=True)
            ratios = [torch.where((a > 0) & (b > 0), a / b, 1.0) for a, b in lengths]
            torch._foreach_mul_(updates, ratios)
        torch._foreach_add_(params, torch._foreach_mul(updates, -lr * good))
