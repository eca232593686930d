"""The optimizers of a recipe.

Each leaves the weights and its own state unchanged if `found_inf`, a tensor that is set before each
step, is 1: on the device, without a wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    lr_scales: Mapping[str, float] | None = None,
) -> Optimizer:
    """Return the optimizer of the parameters of a module.

    Args:
        module: The network.
        config: The section `optimizer` of a recipe.
        norm_weight_decay: Weight decay of norms and biases, which have one dimension; None: the
            same as that of the weights.
        lr_scales: The factor of the learning rate of each parameter that is trained, by its name;
            None: all are trained with the same rate. Each group keeps its factor as `lr_scale`.
    """
    groups = _groups(module, config.weight_decay, norm_weight_decay, lr_scales)
    parameters = [parameter for group in groups for parameter in group["params"]]
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


def _groups(
    module: nn.Module,
    weight_decay: float,
    norm_weight_decay: float | None,
    lr_scales: Mapping[str, float] | None,
) -> list[dict[str, Any]]:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        is_apart = norm_weight_decay is not None and parameter.ndim <= 1
        decay = norm_weight_decay if is_apart and norm_weight_decay is not None else weight_decay
        if lr_scales is None:
            groups.setdefault((decay, 1.0), []).append(parameter)
        elif name in lr_scales:
            groups.setdefault((decay, lr_scales[name]), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "lr_scale": scale}
        for (decay, scale), parameters in groups.items()
    ]


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
            learning = [each for each in group["params"] if each.grad is not None]
            if learning:
                self._step(
                    learning, group["lr"], group["betas"], group["eps"], group["weight_decay"]
                )

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

        steps = [count.clamp(min=1) for count in counts]  # fewer of weights that were frozen
        unbiased = torch._foreach_div(squares, [1 - betas[1] ** step for step in steps])
        roots = torch._foreach_sqrt(unbiased)
        torch._foreach_add_(roots, eps)
        directions = torch._foreach_div(means, [1 - betas[0] ** step for step in steps])
        updates = torch._foreach_div(directions, roots)
        if weight_decay:
            torch._foreach_add_(updates, params, alpha=weight_decay)
            lengths = zip(torch._foreach_norm(params), torch._foreach_norm(updates), strict=True)
            ratios = [torch.where((a > 0) & (b > 0), a / b, 1.0) for a, b in lengths]
            torch._foreach_mul_(updates, ratios)
        torch._foreach_add_(params, torch._foreach_mul(updates, -lr * good))
