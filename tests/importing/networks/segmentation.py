"""The U-Net of Ronneberger et al. 2015, with padded convolutions, so that maps keep their size."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def double(channels: int, width: int) -> nn.Sequential:
    """Return two 3x3 convolutions, each with a batch norm and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class SkipNet(nn.Module):
    """A contracting path, an expanding one, and a skip connection at each of three sizes."""

    def __init__(self, width: int = 16, channels: int = 3, classes: int = 2) -> None:
        super().__init__()
        self.down1 = double(channels, width)
        self.down2 = double(width, 2 * width)
        self.down3 = double(2 * width, 4 * width)
        self.bottom = double(4 * width, 8 * width)
        self.pool = nn.MaxPool2d(2)
        self.up3 = nn.ConvTranspose2d(8 * width, 4 * width, 2, stride=2)
        self.merge3 = double(8 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.merge2 = double(4 * width, 2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.merge1 = double(2 * width, width)
        self.classify = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.down1(x)
        middle = self.down2(self.pool(fine))
        coarse = self.down3(self.pool(middle))
        x = self.bottom(self.pool(coarse))
        x = self.merge3(torch.cat([coarse, self.up3(x)], 1))
        x = self.merge2(torch.cat([middle, self.up2(x)], 1))
        x = self.merge1(torch.cat([fine, self.up1(x)], 1))
        scores: Tensor = self.classify(x)
        return scores
