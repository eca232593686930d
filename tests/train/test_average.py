"""The average of weights and buffers against torch's own."""

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from resspec.training.recipe import EMAConfig
from resspec.training.steps import ema


@torch.no_grad()
@pytest.mark.parametrize("every", [1, 3])
def test_the_average_is_torchs_with_buffers(every: int) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 2))
    mean = ema.averaged_copy(module)
    decay = 0.8**every
    theirs = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    theirs.update_parameters(module)  # the first one copies
    follower = ema.EMA(mean, module, EMAConfig(decay=0.8, every=every))
    for step in range(1, 13):
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
        module(torch.randn(8, 1, 6, 6))
        follower.update(step)
        if step % every == 0:
            theirs.update_parameters(module)
    found, wanted = mean.state_dict(), theirs.module.state_dict()
    for name, tensor in found.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, wanted[name], rtol=1e-5, atol=1e-6)
    assert int(found["1.num_batches_tracked"]) == 12
    assert not torch.equal(found["1.running_mean"], module.state_dict()["1.running_mean"])
