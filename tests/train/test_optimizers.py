"""The optimizers against torch's and timm's own, and what a step that is not finite leaves of them."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from timm.optim.lamb import Lamb as TimmLamb
from torch import Tensor, nn

from resspec.training.recipe import AdamWConfig, LambConfig, OptimizerConfig, SGDConfig
from resspec.training.steps.optimizers import optimizer

KINDS = [
    SGDConfig(lr=0.1, nesterov=True, weight_decay=0.01),
    AdamWConfig(name="adamw", lr=0.01, weight_decay=0.1),
    LambConfig(name="lamb", lr=0.02, weight_decay=0.05),
]


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(5 * 36, 3))


def theirs(
    module: nn.Module, config: OptimizerConfig, norm_weight_decay: float | None
) -> torch.optim.Optimizer:
    of_norms = config.weight_decay if norm_weight_decay is None else norm_weight_decay
    groups: list[dict[str, Any]] = [
        {"params": [p], "weight_decay": config.weight_decay if p.ndim > 1 else of_norms}
        for p in module.parameters()
    ]
    match config:
        case SGDConfig():
            return torch.optim.SGD(groups, config.lr, config.momentum, nesterov=config.nesterov)
        case AdamWConfig():
            return torch.optim.AdamW(groups, config.lr, config.betas, config.eps)
        case LambConfig():
            return TimmLamb(
                groups, config.lr, betas=config.betas, eps=config.eps, max_grad_norm=None
            )


def gradients(module: nn.Module, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=draw)


@pytest.mark.parametrize("norm_weight_decay", [None, 0.0, 0.3])
@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.name)
def test_steps_are_those_of_torch_and_timm(
    config: OptimizerConfig, norm_weight_decay: float | None
) -> None:
    one, other = small(), small()
    ours, reference = (
        optimizer(one, config, norm_weight_decay=norm_weight_decay),
        theirs(other, config, norm_weight_decay),
    )
    for step in range(20):
        for module, made in ((one, ours), (other, reference)):
            gradients(module, step)
            for group in made.param_groups:
                group["lr"] = config.lr * (1 - step / 20)
            made.step()
    for mine, wanted in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("config", KINDS, ids=lambda config: config.name)
def test_a_step_that_is_not_finite_changes_nothing(config: OptimizerConfig) -> None:
    module, without = small(), small()
    ours, reference = (
        optimizer(module, config, norm_weight_decay=None),
        optimizer(without, config, norm_weight_decay=None),
    )
    for step in range(5):
        spoiled = step in (0, 2)
        gradients(module, step)
        if spoiled:
            for parameter in module.parameters():
                parameter.grad = torch.full_like(parameter, float("nan"))
        before = deepcopy(module.state_dict())
        ours.found_inf, ours.grad_scale = torch.tensor(float(spoiled)), None  # type: ignore[attr-defined]
        ours.step()
        if spoiled:
            assert all(
                torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items()
            )
        else:
            gradients(without, step)
            reference.step()
    assert [tensor.tolist() for tensor in tensors(module, ours)] == [
        tensor.tolist() for tensor in tensors(without, reference)
    ]


def tensors(module: nn.Module, made: torch.optim.Optimizer) -> list[Tensor]:
    return [
        *module.parameters(),
        *(made.state[p][name] for p in module.parameters() for name in sorted(made.state[p])),
    ]
