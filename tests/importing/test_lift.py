"""Recorded and lifted modules compute what torch computes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from resspec.importing.errors import Unimportable
from resspec.importing.lift.lift import lift
from resspec.importing.record.modules import module_of
from resspec.importing.record.run import record
from resspec.ir.shape import Shape
from tests.importing.graphs import assert_lifted
from tests.importing.test_graphs import same

SMALL = {"torchvision:inception_v3": 96, "torchvision:alexnet": 96}


@pytest.mark.parametrize(
    "source",
    [
        "torchvision:resnet18",
        "torchvision:shufflenet_v2_x0_5",
        "torchvision:convnext_tiny",
        "torchvision:efficientnet_b0",
        "torchvision:densenet121",
        "torchvision:alexnet",
    ],
)
def test_lifts_torchvisions_networks(source: str) -> None:
    loaded = module_of(source, {}, on_meta=False)
    side = SMALL.get(source, 64)
    assert_lifted(loaded.module, Shape((3, side, side)))


class Branches(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Rolled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.roll(self.conv(x), 1, 1).cumsum(1).clamp(0, 1)


class Particular(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise ValueError(f"{x.shape[2]} rows are not 8")


OBSTACLES = {
    "E0701": (Rolled, 8),
    "E0709": (Branches, 8),
    "E0710": (Particular, 2),
}


@pytest.mark.parametrize("code", sorted(OBSTACLES))
def test_what_no_spec_says(code: str, request: pytest.FixtureRequest) -> None:
    made, side = OBSTACLES[code]
    with pytest.raises(Unimportable) as raised:
        lift(record(made(), Shape((3, side, side))), "net")
    same(code, str(raised.value), update=request.config.getoption("--update"))
