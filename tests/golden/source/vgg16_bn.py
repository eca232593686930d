"""vgg16_bn: 3x224x224 -> 1000

                     output   parameters
    features.0   64x112x112       38,976
    features.7    128x56x56      221,952
    features.14   256x28x28    1,476,864
    features.24   512x14x14    5,902,848
    features.34     512x7x7    7,082,496
    head               1000  123,642,856
    total                    138,365,992

Written by resspec from the spec with hash 171fa5891a8c7fbb. To use it:

    from vgg16_bn import vgg16_bn
    net = vgg16_bn()
"""

import torch
from torch import Tensor, nn

__all__ = ["VGG16BN", "vgg16_bn"]
HASH = "171fa5891a8c7fbbc501e9e8776c53e1ebd4e641b2e88cb1353703d1810871af"  # of the spec


def conv_bn(in_channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class VGG16BN(nn.Module):
    """16 layers with weights; 15,470,264,320 multiply-adds for one input."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *conv_bn(3, 64),  # 64x224x224
            *conv_bn(64, 64),
            nn.MaxPool2d(2),  # 64x112x112
            *conv_bn(64, 128),  # 128x112x112
            *conv_bn(128, 128),
            nn.MaxPool2d(2),  # 128x56x56
            *conv_bn(128, 256),  # 256x56x56
            *conv_bn(256, 256),
            *conv_bn(256, 256),
            nn.MaxPool2d(2),  # 256x28x28
            *conv_bn(256, 512),  # 512x28x28
            *conv_bn(512, 512),
            *conv_bn(512, 512),
            nn.MaxPool2d(2),  # 512x14x14
            *conv_bn(512, 512),
            *conv_bn(512, 512),
            *conv_bn(512, 512),
            nn.MaxPool2d(2),  # 512x7x7
        )
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(25088, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(4096, classes),
        )

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 512x7x7
        x = self.avgpool(x)  # 512x7x7
        x = torch.flatten(x, 1)  # 25088
        return self.classifier(x)  # 1000


def vgg16_bn(classes: int = 1000) -> VGG16BN:
    """The network, untrained."""
    return VGG16BN(classes)
