"""regnet_y_400mf: 3x224x224 -> 1000

                                      output  parameters
    stem                          32x112x112         928
    trunk_output.block1.block1-0    48x56x56      10,040
    trunk_output.block2.block2-0   104x28x28     102,296
    trunk_output.block3.block3-0   208x14x14     737,438
    trunk_output.block4.block4-0     440x7x7   3,052,442
    head                                1000     441,000
    total                                      4,344,144

Written by resspec from the spec with hash ca58be932e5fa609. To use it:

    from regnet_y_400mf import regnet_y_400mf
    net = regnet_y_400mf()
"""

import torch
from torch import Tensor, nn

__all__ = ["RegNetY400MF", "regnet_y_400mf"]
HASH = "ca58be932e5fa609ec2cf17814eb009325614dcd1030ef573bbc738f71a93d59"  # of the spec


def named(**modules: nn.Module) -> nn.Sequential:
    """The modules in a row, under these names."""
    row = nn.Sequential()
    for name, module in modules.items():
        row.add_module(name, module)
    return row


def numbered(prefix: str, *modules: nn.Module, start: int = 0) -> nn.Sequential:
    """The modules in a row, under the names prefix0, prefix1, ..."""
    return named(**{f"{prefix}{i}": module for i, module in enumerate(modules, start)})


def cbr(in_channels: int, size: int, width: int, groups: int = 1, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            in_channels, width, size, stride=stride, padding=size // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class Squeeze(nn.Module):
    """A gate that keeps its channels."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(in_channels, width, 1)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(width, in_channels, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.avgpool(x)
        scale = self.relu(self.fc1(scale))
        scale = self.sigmoid(self.fc2(scale))
        return x * scale


class Unit(nn.Module):
    """A residual block from in_channels to width channels."""

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.proj = nn.Identity()
        if stride != 1 or in_channels != width:
            self.proj = nn.Sequential(
                nn.Conv2d(in_channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )
        self.f = named(
            a=cbr(in_channels, 1, width),
            b=cbr(width, 3, width, groups=width // 8, stride=stride),
            se=Squeeze(width, in_channels // 4),
            c=nn.Sequential(nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width)),
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.proj(x)
        return self.relu(shortcut + self.f(x))


class RegNetY400MF(nn.Module):
    """50 layers with weights; 401,842,848 multiply-adds for one input."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.stem = cbr(3, 3, 32, stride=2)
        self.trunk_output = named(
            block1=numbered("block1-", Unit(32, 48, stride=2)),  # 48x56x56
            block2=numbered(
                "block2-",
                Unit(48, 104, stride=2),
                *(Unit(104, 104) for _ in range(2)),
            ),  # 104x28x28
            block3=numbered(
                "block3-",
                Unit(104, 208, stride=2),
                *(Unit(208, 208) for _ in range(5)),
            ),  # 208x14x14
            block4=numbered(
                "block4-",
                Unit(208, 440, stride=2),
                *(Unit(440, 440) for _ in range(5)),
            ),  # 440x7x7
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(440, classes)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32x112x112
        x = self.trunk_output(x)  # 440x7x7
        x = self.avgpool(x)  # 440x1x1
        x = torch.flatten(x, 1)  # 440
        return self.fc(x)  # 1000


def regnet_y_400mf(classes: int = 1000) -> RegNetY400MF:
    """The network, untrained."""
    return RegNetY400MF(classes)
