"""densenet121: 3x224x224 -> 1000

                                          output  parameters
    stem                                64x56x56       9,536
    features.denseblock1.denselayer1   256x56x56     335,040
    features.transition1               128x28x28      33,280
    features.denseblock2.denselayer1   512x28x28     919,680
    features.transition2               256x14x14     132,096
    features.denseblock3.denselayer1  1024x14x14   2,837,760
    features.transition3                 512x7x7     526,336
    features.denseblock4.denselayer1    1024x7x7   2,158,080
    head                                    1000   1,027,048
    total                                          7,978,856

Written by resspec from the spec with hash 22202c389cc1787c. To use it:

    from densenet121 import densenet121
    net = densenet121()
"""

import torch
from torch import Tensor, nn

__all__ = ["DenseNet121", "densenet121"]
HASH = "22202c389cc1787c247598ad991dfb277fb9c080fbc0ab522b5b49547462f3a5"  # of the spec


def named(**modules: nn.Module) -> nn.Sequential:
    """The modules in a row, under these names."""
    row = nn.Sequential()
    for name, module in modules.items():
        row.add_module(name, module)
    return row


def numbered(prefix: str, *modules: nn.Module, start: int = 0) -> nn.Sequential:
    """The modules in a row, under the names prefix0, prefix1, ..."""
    return named(**{f"{prefix}{i}": module for i, module in enumerate(modules, start)})


class DenseLayer(nn.Module):
    """A concatenation of paths from in_channels to in_channels + growth channels."""

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        hidden_channels = 4 * growth
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, hidden_channels, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(hidden_channels)
        self.conv2 = nn.Conv2d(hidden_channels, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.norm1(x))
        out = self.relu(self.norm2(self.conv1(out)))
        return torch.cat((x, self.conv2(out)), 1)


def transition(in_channels: int) -> nn.Sequential:
    return named(
        norm=nn.BatchNorm2d(in_channels),
        relu=nn.ReLU(inplace=True),
        conv=nn.Conv2d(in_channels, in_channels // 2, 1, bias=False),
        avgpool=nn.AvgPool2d(2),
    )


class DenseNet121(nn.Module):
    """121 layers with weights; 2,834,161,664 multiply-adds for one input."""

    def __init__(self, growth: int = 32, width: int = 64, classes: int = 1000) -> None:
        super().__init__()
        channels = (width + 6 * growth) // 2
        channels2 = (channels + 12 * growth) // 2
        channels3 = (channels2 + 24 * growth) // 2
        self.features = named(
            conv0=nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),  # 64x112x112
            norm0=nn.BatchNorm2d(width),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),  # 64x56x56
            denseblock1=numbered(
                "denselayer", *(DenseLayer(width + growth * i, growth) for i in range(6)), start=1
            ),  # 256x56x56
            transition1=transition(width + 6 * growth),  # 128x28x28
            denseblock2=numbered(
                "denselayer",
                *(DenseLayer(channels + growth * i, growth) for i in range(12)),
                start=1,
            ),  # 512x28x28
            transition2=transition(channels + 12 * growth),  # 256x14x14
            denseblock3=numbered(
                "denselayer",
                *(DenseLayer(channels2 + growth * i, growth) for i in range(24)),
                start=1,
            ),  # 1024x14x14
            transition3=transition(channels2 + 24 * growth),  # 512x7x7
            denseblock4=numbered(
                "denselayer",
                *(DenseLayer(channels3 + growth * i, growth) for i in range(16)),
                start=1,
            ),  # 1024x7x7
            norm5=nn.BatchNorm2d(channels3 + 16 * growth),
        )
        self.relu = nn.ReLU(inplace=True)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels3 + 16 * growth, classes)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 1024x7x7
        x = self.relu(x)  # 1024x7x7
        x = self.avgpool(x)  # 1024x1x1
        x = torch.flatten(x, 1)  # 1024
        return self.classifier(x)  # 1000


def densenet121(growth: int = 32, width: int = 64, classes: int = 1000) -> DenseNet121:
    """The network, untrained."""
    return DenseNet121(growth, width, classes)
