"""Color operations on a batch of images (BxCxHxW, C 1 or 3), with a strength for each image (B).

As in torchvision, operations that are not linear work on bytes, and blends are truncated to bytes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from resspec.training.data.chance import normal, uniform
from resspec.training.data.per_image import per_image


def blend(images: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    """Return `factors` of the images and the rest of the others; factors above 1 extrapolate."""
    share = per_image(factors, images, torch.float32)
    mixed = share * images.float() + (1 - share) * others
    return mixed.clamp(0, 255).to(torch.uint8)


def brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with black."""
    return blend(images, torch.zeros((), device=images.device), factors)


def saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with the grayscale image."""
    if images.shape[1] == 1:
        return images
    return blend(images, grayscale(images).floor(), factors)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with the mean gray level."""
    gray = images.float() if images.shape[1] == 1 else grayscale(images).floor()
    return blend(images, gray.mean((1, 2, 3), keepdim=True), factors)


def sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with a smoothed image, which keeps its outermost pixels."""
    channels, height, width = images.shape[1:]
    if height <= 2 or width <= 2:
        return images
    kernel = torch.ones(3, 3, device=images.device)
    kernel[1, 1] = 5
    weights = (kernel / 13).expand(channels, 1, 3, 3)
    smooth = images.float()
    smooth[:, :, 1:-1, 1:-1] = conv2d(images.float(), weights, groups=channels).round()
    return blend(images, smooth, factors)


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest `bits` bits."""
    masks = 256 - 2 ** (8 - bits.long())
    return images & per_image(masks.to(torch.uint8), images)


def solarize(images: Tensor, thresholds: Tensor) -> Tensor:
    """Invert pixels that reach the threshold."""
    limit = per_image(thresholds, images, torch.float32)
    return torch.where(images >= limit, 255 - images, images)


def solarize_add(images: Tensor, amounts: Tensor) -> Tensor:
    """Add an amount to pixels in the darker half, up to 255."""
    brighter = images + per_image(amounts, images, torch.int16)
    return torch.where(images < 128, brighter.clamp_max(255), images).to(torch.uint8)


def autocontrast(images: Tensor) -> Tensor:
    """Stretch each channel to 0..255, unless it is constant."""
    low = images.amin((2, 3), keepdim=True).float()
    high = images.amax((2, 3), keepdim=True).float()
    is_constant = high == low
    scale = (255 / (high - low)).masked_fill(is_constant, 1)
    low = low.masked_fill(is_constant, 0)
    return ((images - low) * scale).clamp(0, 255).to(torch.uint8)


def equalize(images: Tensor) -> Tensor:
    """Equalize the histogram of each channel."""
    pixels = images.flatten(2).long()
    histogram = torch.zeros(*pixels.shape[:2], 256, dtype=torch.int64, device=images.device)
    histogram.scatter_add_(2, pixels, torch.ones_like(pixels))
    last = histogram.gather(2, pixels.amax(2, keepdim=True))
    step = (pixels.shape[2] - last) // 255
    before = histogram.cumsum(2) - histogram
    table = ((before + step // 2) // step.clamp_min(1)).clamp(0, 255)
    equalized = torch.where(step == 0, pixels, table.gather(2, pixels))
    return equalized.to(torch.uint8).view_as(images)


def grayscale(images: Tensor) -> Tensor:
    """Return the luma of ITU-R 601 (float32, Bx1xHxW)."""
    red, green, blue = images.float().split(1, 1)
    luma: Tensor = 0.2989 * red + 0.587 * green + 0.114 * blue
    return luma


def color_jitter(images: Tensor, keys: Tensor, amount: float = 0.4) -> Tensor:
    """Change brightness, contrast and saturation, in an order that differs by image.

    Args:
        images: uint8, Bx3xHxW.
        keys: The keys of the images (int64, B).
        amount: Each factor is uniform in [1 - amount, 1 + amount].
    """
    factors = 1 - amount + 2 * amount * uniform(keys, "jitter", 3)
    order = uniform(keys, "jitter order", 3).argsort(1)
    images = images.clone()
    for turn in range(3):
        for number, change in enumerate((brightness, contrast, saturation)):
            chosen = (order[:, turn] == number).nonzero()[:, 0]
            there = chosen.to(images.device, non_blocking=True)
            images[there] = change(images[there], factors[chosen, number])
    return images


def lighting(images: Tensor, keys: Tensor, axes: Tensor, std: float = 0.1) -> Tensor:
    """Add one color to each image, along the principal axes of the training images' colors.

    Args:
        images: float32, BxCxHxW.
        keys: The keys of the images (int64, B).
        axes: The principal axes, each as long as its standard deviation (CxC, columns).
        std: The standard deviation of the amount along each axis (Krizhevsky et al. 2012).
    """
    amounts = std * normal(keys, "colour", axes.shape[1]).float()
    shift = amounts @ axes.T
    return images + shift.to(images.device, non_blocking=True)[:, :, None, None]
