"""The U-Net, a block that contains itself, against one written by hand in torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.compiler import load
from tests.backends.test_source import assert_twins


class Level(nn.Module):
    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.down = self.twice(channels, width)
        self.inner = Level(width, 2 * width, depth - 1) if depth else None
        if depth:
            self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
            self.after = self.twice(2 * width, width)

    @staticmethod
    def twice(channels: int, width: int) -> nn.Sequential:
        first = nn.Conv2d(channels, width, 3, padding=1)
        return nn.Sequential(first, nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        if self.inner is None:
            return x
        inner = self.up(self.inner(nn.functional.max_pool2d(x, 2)))
        result: Tensor = self.after(torch.cat([x, inner], 1))
        return result


def test_unet_is_that_of_torch() -> None:
    network = load("unet", width=4, classes=3, input="1x64x48")
    ours, theirs = build(network), nn.Sequential(Level(1, 4, 4), nn.Conv2d(4, 3, 1))
    assert sum(value.numel() for value in ours.parameters()) == sum(
        value.numel() for value in theirs.parameters()
    )
    _copy(ours.get_submodule("level1"), theirs.get_submodule("0"))
    theirs[1].load_state_dict(ours.get_submodule("conv1").state_dict())
    x = torch.randn(2, 1, 64, 48)
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def _copy(ours: nn.Module, theirs: nn.Module) -> None:
    assert isinstance(theirs, Level)
    pairs = [("conv1", theirs.down[0]), ("conv2", theirs.down[2])]
    if theirs.inner is not None:
        pairs += [
            ("upconv1", theirs.up),
            ("conv3", theirs.after[0]),
            ("conv4", theirs.after[2]),
        ]
        _copy(ours.get_submodule("level1"), theirs.inner)
    for name, module in pairs:
        module.load_state_dict(ours.get_submodule(name).state_dict())


def test_its_source_is_its_module() -> None:
    assert_twins(load("unet", width=4, input="1x32x32"))
    assert_twins(load("unet", width=4, depth=1, input="3x32x32"))
