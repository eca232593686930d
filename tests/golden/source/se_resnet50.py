"""se_resnet50: 3x224x224 -> 1000

                output  parameters
    stem      64x56x56       9,536
    layer1   256x56x56     241,200
    layer2   512x28x28   1,352,832
    layer3  1024x14x14   7,891,328
    layer4    2048x7x7  16,544,128
    head          1000   2,049,000
    total               28,088,024

Written by resspec from the spec with hash dc0dd528bcb8c752. To use it:

    from se_resnet50 import se_resnet50
    net = se_resnet50()
"""

import torch
from torch import Tensor, nn

__all__ = ["SeResNet50", "se_resnet50"]
HASH = "dc0dd528bcb8c752a433e79b324ec7d6a45e4dd30f895e835dee8a86db083c4a"  # of the spec


class Squeeze(nn.Module):
    """A gate that keeps its channels."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(in_channels, width, 1)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(width, in_channels, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.avgpool(x)
        scale = self.relu(self.fc1(scale))
        scale = self.sigmoid(self.fc2(scale))
        return x * scale


class SeBottleneck(nn.Module):
    """A residual block from in_channels to 4 * width channels."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        out_channels = 4 * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.se = Squeeze(out_channels, out_channels // 16)
        self.downsample = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out = self.se(out)
        out += self.downsample(x)
        return self.relu(out)


class SeResNet50(nn.Module):
    """50 layers with weights; 4,091,699,200 multiply-adds for one input."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(
            SeBottleneck(64, 64),
            *(SeBottleneck(256, 64) for _ in range(2)),
        )
        self.layer2 = nn.Sequential(
            SeBottleneck(256, 128, stride=2),
            *(SeBottleneck(512, 128) for _ in range(3)),
        )
        self.layer3 = nn.Sequential(
            SeBottleneck(512, 256, stride=2),
            *(SeBottleneck(1024, 256) for _ in range(5)),
        )
        self.layer4 = nn.Sequential(
            SeBottleneck(1024, 512, stride=2),
            *(SeBottleneck(2048, 512) for _ in range(2)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, classes)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))  # 64x112x112
        x = self.maxpool(x)  # 64x56x56
        x = self.layer1(x)  # 256x56x56
        x = self.layer2(x)  # 512x28x28
        x = self.layer3(x)  # 1024x14x14
        x = self.layer4(x)  # 2048x7x7
        x = self.avgpool(x)  # 2048x1x1
        x = torch.flatten(x, 1)  # 2048
        return self.fc(x)  # 1000


def se_resnet50(classes: int = 1000) -> SeResNet50:
    """The network, untrained."""
    return SeResNet50(classes)
