"""mobilenet_v2: 3x224x224 -> 1000

                     output  parameters
    stem         32x112x112         928
    features.1   16x112x112         896
    features.2     24x56x56      13,968
    features.4     32x28x28      39,696
    features.7     64x14x14     183,872
    features.11    96x14x14     303,168
    features.14     160x7x7     795,264
    features.17     320x7x7     473,920
    head               1000   1,693,160
    total                     3,504,872

Written by resspec from the spec with hash 75b0b276e3febd36. To use it:

    from mobilenet_v2 import mobilenet_v2
    net = mobilenet_v2()
"""

import torch
from torch import Tensor, nn

__all__ = ["MobileNetV2", "mobilenet_v2"]
HASH = "75b0b276e3febd36681a06f5478e5aff757f3ea15e833beee0d534c56c37b318"  # of the spec


def cbr(in_channels: int, size: int, width: int, groups: int = 1, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            in_channels, width, size, stride=stride, padding=size // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(width),
        nn.ReLU6(inplace=True),
    )


class Separable(nn.Module):
    """A row of layers from in_channels to width channels."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            cbr(in_channels, 3, in_channels, groups=in_channels),
            nn.Conv2d(in_channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Inverted(nn.Module):
    """A residual block from in_channels to width channels."""

    def __init__(self, in_channels: int, width: int, t: int, stride: int = 1) -> None:
        super().__init__()
        hidden_channels = t * in_channels
        self.conv = nn.Sequential(
            cbr(in_channels, 1, hidden_channels),
            cbr(hidden_channels, 3, hidden_channels, groups=hidden_channels, stride=stride),
            nn.Conv2d(hidden_channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.residual = stride == 1 and in_channels == width

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv(x)
        if self.residual:
            out = x + out
        return out


class MobileNetV2(nn.Module):
    """53 layers with weights; 300,774,272 multiply-adds for one input."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            cbr(3, 3, 32, stride=2),  # 32x112x112
            Separable(32, 16),  # 16x112x112
            Inverted(16, 24, t=6, stride=2),  # 24x56x56
            Inverted(24, 24, t=6),
            Inverted(24, 32, t=6, stride=2),  # 32x28x28
            *(Inverted(32, 32, t=6) for _ in range(2)),
            Inverted(32, 64, t=6, stride=2),  # 64x14x14
            *(Inverted(64, 64, t=6) for _ in range(3)),
            Inverted(64, 96, t=6),  # 96x14x14
            *(Inverted(96, 96, t=6) for _ in range(2)),
            Inverted(96, 160, t=6, stride=2),  # 160x7x7
            *(Inverted(160, 160, t=6) for _ in range(2)),
            Inverted(160, 320, t=6),  # 320x7x7
            cbr(320, 1, 1280),  # 1280x7x7
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, classes))

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 1280x7x7
        x = self.avgpool(x)  # 1280x1x1
        x = torch.flatten(x, 1)  # 1280
        return self.classifier(x)  # 1000


def mobilenet_v2(classes: int = 1000) -> MobileNetV2:
    """The network, untrained."""
    return MobileNetV2(classes)
