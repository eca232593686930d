"""The residual networks of He et al. 2015, section 4.2, for images of CIFAR-10."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Unit(nn.Module):
    """Two 3x3 convolutions around an identity; new channels of the identity are zeros."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.new = width - channels
        self.first = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.first_norm(self.first(x)))
        out = self.second_norm(self.second(out))
        return functional.relu(out + self.shortcut(x))

    def shortcut(self, x: Tensor) -> Tensor:
        if not self.new:
            return x
        x = functional.max_pool2d(x, 1, self.stride)
        return functional.pad(x, (0, 0, 0, 0, 0, self.new))


class CifarResNet(nn.Module):
    """`6 * n + 2` layers in three stages of 32x32, 16x16 and 8x8 pixels."""

    def __init__(self, n: int = 3, width: int = 16, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.stage1 = self._stage(n, width, width, 1)
        self.stage2 = self._stage(n, width, 2 * width, 2)
        self.stage3 = self._stage(n, 2 * width, 4 * width, 2)
        self.fc = nn.Linear(4 * width, classes)

    def _stage(self, n: int, channels: int, width: int, stride: int) -> nn.Sequential:
        others = [Unit(width, width, 1) for _ in range(n - 1)]
        return nn.Sequential(Unit(channels, width, stride), *others)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.conv(x)))
        x = self.stage3(self.stage2(self.stage1(x)))
        scores: Tensor = self.fc(x.mean((2, 3)))
        return scores
