"""resnet20: 3x32x32 -> 10

              output  parameters
    stem    16x32x32         464
    layer1  16x32x32      14,016
    layer2  32x16x16      51,072
    layer3    64x8x8     203,520
    head          10         650
    total                269,722

Written by resspec from the spec with hash db66825fc8a7ffe1. To use it:

    from resnet20 import resnet20
    net = resnet20()
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ResNet20", "resnet20"]
HASH = "db66825fc8a7ffe1dc6b50ffaf5aa7521363f18f76980a61deb98e5650f00049"  # of the spec


class Subsample(nn.Module):
    """Every `stride`-th pixel of NCHW."""

    def __init__(self, stride: int | tuple[int, int]) -> None:
        super().__init__()
        self.stride = (stride, stride) if isinstance(stride, int) else stride

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, :: self.stride[0], :: self.stride[1]]

    def extra_repr(self) -> str:
        return f"stride={self.stride}"


class PadChannels(nn.Module):
    """Adds `amount` channels of zeros after those of NCHW."""

    def __init__(self, amount: int) -> None:
        super().__init__()
        self.amount = amount

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 0, 0, 0, 0, self.amount))

    def extra_repr(self) -> str:
        return f"amount={self.amount}"


class Basic(nn.Module):
    """A residual block from in_channels to width channels."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = nn.Identity()
        if stride != 1 or in_channels != width:
            self.downsample = nn.Sequential(Subsample(stride), PadChannels(width - in_channels))

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.downsample(x)
        return self.relu(out)


class ResNet20(nn.Module):
    """20 layers with weights; 40,551,040 multiply-adds for one input."""

    def __init__(self, width: int = 16, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(*(Basic(width, width) for _ in range(3)))
        self.layer2 = nn.Sequential(
            Basic(width, 2 * width, stride=2),
            *(Basic(2 * width, 2 * width) for _ in range(2)),
        )
        self.layer3 = nn.Sequential(
            Basic(2 * width, 4 * width, stride=2),
            *(Basic(4 * width, 4 * width) for _ in range(2)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4 * width, classes)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))  # 16x32x32
        x = self.layer1(x)  # 16x32x32
        x = self.layer2(x)  # 32x16x16
        x = self.layer3(x)  # 64x8x8
        x = self.avgpool(x)  # 64x1x1
        x = torch.flatten(x, 1)  # 64
        return self.fc(x)  # 10


def resnet20(width: int = 16, classes: int = 10) -> ResNet20:
    """The network, untrained."""
    return ResNet20(width, classes)
