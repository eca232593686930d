"""Statistics of the training images, for normalization and for PCA lighting noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 4096  # images that are summed at a time


@dataclass(frozen=True)
class PixelStats:
    """Statistics of the training images, in 0..255.

    Attributes:
        mean: The mean of each channel (C).
        std: The divisor of each channel (C), never 0.
        mean_image: The mean of each pixel (CxHxW); Cx1x1 where images differ in size.
        axes: The principal axes of the colors, each as long as its standard deviation
            (CxC, columns).
        normalize: `channel` or `pixel-mean`, as in a recipe.
    """

    mean: Tensor
    std: Tensor
    mean_image: Tensor
    axes: Tensor
    normalize: str = "channel"

    def normalized(self, images: Tensor, means: Tensor | None = None) -> Tensor:
        """Return normalized images.

        Channels get mean 0 and standard deviation 1. With `pixel-mean`, the mean of each pixel is
        subtracted, and all channels are divided by one number.

        Args:
            images: float32, BxCxHxW.
            means: The mean of each pixel where images were cropped (BxCxHxW).
        """
        if self.normalize == "channel":
            mean = self.mean.view(-1, 1, 1)
            std = self.std.view(-1, 1, 1)
        else:
            mean = self.mean_image if means is None else means
            std = self.std.mean()
        return (images - mean.to(images.device)) / std.to(images.device)


def measure(images: Tensor) -> PixelStats:
    """Return the exact statistics of images (uint8, NxCxHxW)."""
    total = torch.zeros(images.shape[1:], dtype=torch.int64)
    products = torch.zeros(len(total), len(total), dtype=torch.float64)
    for part in images.split(CHUNK):
        total += part.sum(0, dtype=torch.int64)
        colors = part.transpose(0, 1).flatten(1).double()
        products += colors @ colors.mT

    mean_image = total.double() / len(images)
    mean = mean_image.mean((1, 2))
    pixels = len(images) * total[0].numel()
    covariance = products / pixels - mean[:, None] * mean
    values, vectors = torch.linalg.eigh(covariance)
    axes = (vectors * values.clamp_min(0).sqrt()).flip(1)
    std = _divisors(covariance.diagonal().clamp_min(0).sqrt())
    return PixelStats(mean.float(), std.float(), mean_image.float(), axes.float())


def _divisors(std: Tensor) -> Tensor:
    """Replace 0, of a constant channel, with the mean of the others, so that it becomes 0."""
    varies = std > 0
    if not varies.any():
        return torch.full_like(std, 255)
    return torch.where(varies, std, std[varies].mean())


# The usual statistics of ImageNet, from fb.resnet.torch.
_MEAN = torch.tensor([0.485, 0.456, 0.406]) * 255
_EIGENVECTORS = torch.tensor(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
)
IMAGENET = PixelStats(
    mean=_MEAN,
    std=torch.tensor([0.229, 0.224, 0.225]) * 255,
    mean_image=_MEAN.view(3, 1, 1),
    axes=_EIGENVECTORS * torch.tensor([0.2175, 0.0188, 0.0045]) * 255,
)


def _gray(stats: PixelStats) -> PixelStats:
    """Return the statistics of the same images in grayscale, with Pillow's weights (ITU-R 601).

    The standard deviation is that of perfectly correlated channels.
    """
    weights = torch.tensor([0.299, 0.587, 0.114])
    mean, std = weights @ stats.mean, weights @ stats.std
    spread = (stats.axes.mT @ weights).norm()
    return PixelStats(mean.view(1), std.view(1), mean.view(1, 1, 1), spread.view(1, 1))


IMAGENET_GRAY = _gray(IMAGENET)
