"""Color operations on a batch of images (BxCxHxW, C 1 or 3), with a strength for each image (B).

As in torchvision, operations that are not linear work on bytes, and blends are truncated to bytes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms.functional import adjust_sharpness, rgb_to_grayscale

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
    return blend(images, rgb_to_grayscale(images), factors)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with the mean gray level."""
    gray = images if images.shape[1] == 1 else rgb_to_grayscale(images)
    return blend(images, gray.float().mean((1, 2, 3), keepdim=True), factors)


def sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """Blend with a smoothed image, which keeps its outermost pixels."""
    if min(images.shape[2:]) <= 2:
        return images
    return blend(images, adjust_sharpness(images, 0), factors)


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
