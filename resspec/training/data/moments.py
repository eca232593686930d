"""What normalizing needs of a data set, and the paper's colour augmentation: the statistics of its training images."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FULL = 255.0  # the range of a byte


@dataclass(frozen=True)
class Moments:
    """What is known of the training images, in the unit of the stored pixels.

    Attributes:
        mean: Of each channel (C).
        deviation: What each channel is divided by (C), never 0.
        pixels: The mean image (CxHxW); Cx1x1 where images have no common size.
        axes: The principal axes of the colors, each as long as its deviation (CxC, columns).
        normalize: As a recipe says.
    """

    mean: Tensor
    deviation: Tensor
    pixels: Tensor
    axes: Tensor
    normalize: str = "channel"

    def normalized(self, images: Tensor, means: Tensor | None = None) -> Tensor:
        """Of float32 images, BxCxHxW: mean 0 and deviation 1 in each channel; or each pixel's mean alone taken away (`means`
        where it moved with its image), in the unit of the channels' mean deviation, which no batch norm would notice."""
        if self.normalize == "channel":
            mean, deviation = (value.view(-1, 1, 1) for value in (self.mean, self.deviation))
        else:
            mean, deviation = self.pixels if means is None else means, self.deviation.mean()
        return (images - mean.to(images.device)) / deviation.to(images.device)


def measured(images: Tensor) -> Moments:
    """Return the moments of images (uint8, NxCxHxW), exactly: sums of bytes are integers."""
    count, channels = len(images), images.shape[1]
    total = torch.zeros(images.shape[1:], dtype=torch.int64)
    products = torch.zeros(channels, channels, dtype=torch.float64)
    for part in images.split(4096):
        total += part.sum(0, dtype=torch.int64)
        colours = part.transpose(0, 1).flatten(1).double()
        products += colours @ colours.mT
    pixels = total.double() / count
    mean = pixels.mean((1, 2))
    covariance = products / (count * pixels[0].numel()) - mean[:, None] * mean
    values, vectors = torch.linalg.eigh(covariance)
    axes = (vectors * values.clamp_min(0).sqrt()).flip(1)
    deviation = _divisors(covariance.diagonal().clamp_min(0).sqrt())
    return Moments(mean.float(), deviation.float(), pixels.float(), axes.float())


def _divisors(deviation: Tensor) -> Tensor:
    """A channel of one value everywhere is divided by what the others are, so that it becomes 0, and not 0 / 0."""
    varies = deviation > 0
    if not varies.any():
        return torch.full_like(deviation, FULL)
    return torch.where(varies, deviation, deviation[varies].mean())


# Of ImageNet's training images as everyone has them since fb.resnet.torch, in 0 .. 255; the axes' lengths are those that
# come with its colour augmentation.
IMAGENET = Moments(
    torch.tensor([0.485, 0.456, 0.406]) * 255,
    torch.tensor([0.229, 0.224, 0.225]) * 255,
    (torch.tensor([0.485, 0.456, 0.406]) * 255).view(3, 1, 1),
    torch.tensor(
        [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
    )
    * torch.tensor([0.2175, 0.0188, 0.0045])
    * 255,
)
