"""preact_resnet50: 3x224x224 -> 1000

                output  parameters
    stem      64x56x56       9,536
    layer1   256x56x56     214,784
    layer2   512x28x28   1,218,048
    layer3  1024x14x14   7,095,296
    layer4    2048x7x7  14,958,592
    head          1000   2,053,096
    total               25,549,352

Written by resspec from the spec with hash 2b2f395e6feb1cdd. To use it:

    from preact_resnet50 import preact_resnet50
    net = preact_resnet50()
"""

import torch
from torch import Tensor, nn

__all__ = ["PreactResNet50", "preact_resnet50"]
HASH = "2b2f395e6feb1cdd1cd3c8607cc4849b5718448a87b88f02a353aca74614fe09"  # of the spec


class First(nn.Module):
    """A residual block from in_channels to 4 * width channels."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.downsample = nn.Conv2d(in_channels, 4 * width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.conv3(out)
        out += self.downsample(x)
        return out


class Unit(nn.Module):
    """A residual block from in_channels to 4 * width channels."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        out_channels = 4 * width
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=stride, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.downsample = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        preact = self.relu(self.bn1(x))
        out = self.relu(self.bn2(self.conv1(preact)))
        out = self.relu(self.bn3(self.conv2(out)))
        out = self.conv3(out)
        shortcut = x if self.downsample is None else self.downsample(preact)
        out += shortcut
        return out


class PreactResNet50(nn.Module):
    """50 layers with weights; 3,857,973,248 multiply-adds for one input."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(
            First(64, 64),
            *(Unit(256, 64) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            Unit(256, 128, stride=2),
            *(Unit(512, 128) for _ in range(3)),
        )
        self.layer3 = nn.Sequential(
            Unit(512, 256, stride=2),
            *(Unit(1024, 256) for _ in range(5)),
        )
        self.layer4 = nn.Sequential(
            Unit(1024, 512, stride=2),
            *(Unit(2048, 512) for _ in range(2)),
        )
        self.bn2 = nn.BatchNorm2d(2048)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, classes)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))  # 64x112x112
        x = self.maxpool(x)  # 64x56x56
        x = self.layer1(x)  # 256x56x56
        x = self.layer2(x)  # 512x28x28
        x = self.layer3(x)  # 1024x14x14
        x = self.layer4(x)  # 2048x7x7
        x = self.relu(self.bn2(x))  # 2048x7x7
        x = self.avgpool(x)  # 2048x1x1
        x = torch.flatten(x, 1)  # 2048
        return self.fc(x)  # 1000


def preact_resnet50(classes: int = 1000) -> PreactResNet50:
    """The network, untrained."""
    return PreactResNet50(classes)
