"""EDSR of Lim et al. 2017: residual blocks without norms, and an image of twice the size."""

from __future__ import annotations

from torch import Tensor, nn


class ScaledResidual(nn.Module):
    """Two convolutions, whose result is scaled before it is added."""

    def __init__(self, width: int, scale: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.body(x)
        return x + residual * self.scale


class Edsr(nn.Module):
    """Features at the size of the small image, around which one long shortcut leads."""

    def __init__(self, width: int = 32, blocks: int = 8, scale: float = 0.1) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*(ScaledResidual(width, scale) for _ in range(blocks)))
        self.tail = nn.Conv2d(width, width, 3, padding=1)
        self.upsample = nn.Sequential(nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2))
        self.image = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(x)
        x = x + self.tail(self.body(x))
        image: Tensor = self.image(self.upsample(x))
        return image
