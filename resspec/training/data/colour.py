"""The colours of a batch of images (BxCxHxW, C 1 or 3), each with an amount of its own (B). As torchvision has them: what is
not linear works on bytes, and results of blending are cut off to bytes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from resspec.training.data.chance import normal, uniform


def blended(images: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    """`factors` of the images, the rest of the others: 0 gives the others, 1 the images, 2 is as far beyond."""
    share = factors.to(images.device, torch.float32, non_blocking=True)[:, None, None, None]
    return (share * images.float() + (1 - share) * others).clamp(0, 255).to(torch.uint8)


def brightness(images: Tensor, factors: Tensor) -> Tensor:
    return blended(images, torch.zeros((), device=images.device), factors)


def saturation(images: Tensor, factors: Tensor) -> Tensor:
    return images if images.shape[1] == 1 else blended(images, grey(images).floor(), factors)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    level = images.float() if images.shape[1] == 1 else grey(images).floor()
    return blended(images, level.mean((1, 2, 3), keepdim=True), factors)


def sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """Against the image smoothed, whose outermost pixels stay as they are."""
    channels, height, width = images.shape[1:]
    if height <= 2 or width <= 2:
        return images
    kernel = torch.ones(3, 3, device=images.device)
    kernel[1, 1] = 5
    smooth = images.float()
    inner = conv2d(smooth, (kernel / 13).expand(channels, 1, 3, 3), groups=channels)
    smooth = pad(inner.round(), (1, 1, 1, 1)) + smooth * _rim(height, width, images.device)
    return blended(images, smooth, factors)


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """The highest `bits` bits stay."""
    masks = (256 - 2 ** (8 - bits.long())).to(torch.uint8).to(images.device, non_blocking=True)
    return images & masks[:, None, None, None]


def solarize(images: Tensor, thresholds: Tensor) -> Tensor:
    """What reaches the threshold is inverted."""
    limit = thresholds.to(images.device, torch.float32, non_blocking=True)[:, None, None, None]
    return torch.where(images >= limit, 255 - images, images)


def brighten_shadows(images: Tensor, amounts: Tensor) -> Tensor:
    """What is below the middle grows by an amount, at most to 255."""
    more = amounts.to(images.device, torch.int16, non_blocking=True)[:, None, None, None]
    return torch.where(images < 128, (images + more).clamp_max(255), images).to(torch.uint8)


def autocontrast(images: Tensor) -> Tensor:
    """Each channel stretched to 0 .. 255, unless it is of one value."""
    low, high = (
        images.amin((2, 3), keepdim=True).float(),
        images.amax((2, 3), keepdim=True).float(),
    )
    scale = 255 / (high - low)
    flat = high == low
    low, scale = low.masked_fill(flat, 0), scale.masked_fill(flat, 1)
    return ((images - low) * scale).clamp(0, 255).to(torch.uint8)


def equalize(images: Tensor) -> Tensor:
    """Each channel's values spread until they are equally common."""
    flat = images.flatten(2).long()
    histogram = torch.zeros(*flat.shape[:2], 256, dtype=torch.int64, device=images.device)
    histogram.scatter_add_(2, flat, torch.ones_like(flat))
    last = histogram.gather(2, flat.amax(2, keepdim=True))
    step = (flat.shape[2] - last) // 255
    before = histogram.cumsum(2) - histogram
    table = ((before + step // 2) // step.clamp_min(1)).clamp(0, 255)
    return torch.where(step == 0, flat, table.gather(2, flat)).to(torch.uint8).view_as(images)


def grey(images: Tensor) -> Tensor:
    """ITU-R 601's luma, Bx1xHxW in float32."""
    red, green, blue = images.float().split(1, 1)
    luma: Tensor = 0.2989 * red + 0.587 * green + 0.114 * blue
    return luma


def jittered(images: Tensor, keys: Tensor, amount: float = 0.4) -> Tensor:
    """Brightness, contrast and saturation, each by a factor within `amount` of 1, in an order of its own for each image."""
    factors = 1 - amount + 2 * amount * uniform(keys, "jitter", 3)
    order = uniform(keys, "jitter order", 3).argsort(1)
    images = images.clone()
    for turn in range(3):
        for which, change in enumerate((brightness, contrast, saturation)):
            chosen = (order[:, turn] == which).nonzero()[:, 0]
            at = chosen.to(images.device, non_blocking=True)
            images[at] = change(images[at], factors[chosen, which])
    return images


def pca(images: Tensor, keys: Tensor, axes: Tensor, deviation: float = 0.1) -> Tensor:
    """Krizhevsky et al. 2012: one colour added to all of an image, along the axes (CxC, columns) of the data set's colours by a
    normal number times their length. Float in, float out."""
    shift = deviation * normal(keys, "colour", axes.shape[1]).float() @ axes.T
    return images + shift.to(images.device, non_blocking=True)[:, :, None, None]


def _rim(height: int, width: int, device: torch.device) -> Tensor:
    rim = torch.ones(height, width, device=device)
    rim[1:-1, 1:-1] = 0
    return rim
