"""Batch norm in parts against machines of their own, exact statistics against one pass in double
precision.
"""

from copy import deepcopy

import pytest
import torch
from torch import nn

from resspec.training.steps import batch_norm


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3)
    )


@pytest.mark.parametrize("size", [4, 6])
def test_parts_are_normalised_as_on_machines_of_their_own(size: int) -> None:
    module, images = network(), torch.randn(12, 2, 9, 9)
    machines = [deepcopy(module) for _ in range(12 // size)]
    batch_norm.split(module, size)
    result = module(images)
    result.square().mean().backward()
    parts = [machine(part) for machine, part in zip(machines, images.split(size), strict=True)]
    torch.cat(parts).square().mean().backward()
    torch.testing.assert_close(result, torch.cat(parts))
    for name, parameter in module.named_parameters():
        gradients = [
            gradient
            for machine in machines
            if (gradient := machine.get_parameter(name).grad) is not None
        ]
        torch.testing.assert_close(
            parameter.grad, torch.stack(gradients).sum(0), rtol=1e-4, atol=1e-6
        )
    for name in ("1.running_mean", "1.running_var", "4.running_mean", "4.running_var"):
        mean = torch.stack([machine.get_buffer(name) for machine in machines]).mean(0)
        torch.testing.assert_close(module.get_buffer(name), mean)
    module.eval()
    machines[0].load_state_dict(module.state_dict())
    assert torch.equal(module(images), machines[0].eval()(images))


@torch.no_grad()
def test_exact_statistics_are_mean_and_variance_of_all_that_each_layer_sees() -> None:
    module = network()
    batches = [torch.randn(8, 2, 9, 9) * (i + 1) + i for i in range(5)]
    batch_norm.measure(module, batches)
    exact = deepcopy(module).double().train()
    first, second = [], []
    for images in batches:  # each batch is normalized by its own, as in training
        seen = exact[0](images.double())
        first.append(seen)
        second.append(exact[3](exact[2](exact[1](seen))))
    for norm, seen in ((module[1], torch.cat(first)), (module[4], torch.cat(second))):
        assert isinstance(norm, nn.BatchNorm2d)
        mean = seen.mean((0, 2, 3))
        assert norm.running_mean is not None
        torch.testing.assert_close(norm.running_mean.double(), mean, rtol=1e-4, atol=1e-5)
        var = seen.var((0, 2, 3), correction=0)
        assert norm.running_var is not None
        torch.testing.assert_close(norm.running_var.double(), var, rtol=1e-4, atol=1e-5)
    assert module.training
