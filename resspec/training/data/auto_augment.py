"""TrivialAugment as in torchvision and RandAugment as in timm, for a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.transforms.functional import autocontrast
from torchvision.transforms.v2.functional import equalize

from resspec.training.data import affine, color
from resspec.training.data.chance import choice, happens, normal
from resspec.training.recipes.images import RandAugmentConfig

Strength = Callable[[Tensor], Tensor]


class AugmentOp(NamedTuple):
    """An operation on images (uint8, BxCxHxW).

    Attributes:
        strength: From magnitudes in 0..1 (B) to what the operation takes.
        recolor: Returns images with other colors.
        maps: Returns affine maps, of an operation that moves pixels.
        signed: Whether half of the magnitudes are negated.
        axis: Where the strength is a share of a side of the image, the axis of that side.
    """

    strength: Strength = lambda magnitude: magnitude
    recolor: Callable[[Tensor, Tensor], Tensor] | None = None
    maps: Callable[[Tensor, tuple[int, int]], Tensor] | None = None
    signed: bool = False
    axis: int | None = None

    def apply(self, images: Tensor, magnitudes: Tensor, interpolation: str, fill: Tensor) -> Tensor:
        """Return changed images; pixels from outside have the color `fill` (C)."""
        strengths = self.strength(magnitudes)
        if self.recolor:
            return self.recolor(images, strengths)
        assert self.maps
        if self.axis:
            strengths = strengths * images.shape[self.axis]
        maps = self.maps(strengths, (images.shape[2], images.shape[3]))
        return affine.affine(images, maps, interpolation, fill)


def trivial_augment(images: Tensor, keys: Tensor, interpolation: str) -> Tensor:
    """Apply one of 14 operations to each image (Müller and Hutter 2021, the wide space)."""
    magnitudes = choice(keys, "trivial magnitude", 31).double() / 30
    magnitudes = _signed(magnitudes, keys, "trivial")
    chosen = choice(keys, "trivial change", len(WIDE))
    return _apply(images, WIDE, chosen, magnitudes, interpolation, torch.zeros(1))


def rand_augment(
    images: Tensor, keys: Tensor, config: RandAugmentConfig, interpolation: str, fill: Tensor
) -> Tensor:
    """Apply one of 15 operations to each image, `num_ops` times, each with probability 1/2.

    Args:
        images: uint8, BxCxHxW.
        keys: The keys of the images (int64, B).
        config: The number of operations, and their magnitudes in tenths.
        interpolation: How moved pixels are interpolated.
        fill: The color of pixels from outside the image (C).
    """
    for turn in range(config.num_ops):
        name = f"randaugment {turn}"
        noise = normal(keys, f"{name} magnitude")[:, 0]
        tenths = (config.magnitude + config.magnitude_std * noise).clamp(0, 10)
        magnitudes = _signed(tenths / 10, keys, name)
        chosen = choice(keys, f"{name} change", len(INCREASING))
        chosen = torch.where(happens(keys, f"{name} happens", 0.5), chosen, -1)
        images = _apply(images, INCREASING, chosen, magnitudes, interpolation, fill)
    return images


def _signed(magnitudes: Tensor, keys: Tensor, name: str) -> Tensor:
    return torch.where(happens(keys, f"{name} sign", 0.5), -magnitudes, magnitudes)


def _apply(
    images: Tensor,
    operations: tuple[AugmentOp, ...],
    chosen: Tensor,
    magnitudes: Tensor,
    interpolation: str,
    fill: Tensor,
) -> Tensor:
    """Apply the chosen operation (B) to each image; -1 chooses none."""
    result = images.clone()
    for number, operation in enumerate(operations):
        own = (chosen == number).nonzero()[:, 0]
        if not len(own):
            continue
        there = own.to(images.device, non_blocking=True)
        strengths = magnitudes[own] if operation.signed else magnitudes[own].abs()
        result[there] = operation.apply(images[there], strengths, interpolation, fill)
    return result


def _times(factor: float) -> Strength:
    return lambda magnitude: magnitude * factor


def _truncated(factor: float) -> Strength:
    return lambda magnitude: (factor * magnitude).trunc()


def _blend_wide(magnitude: Tensor) -> Tensor:
    return 1 + 0.99 * magnitude


def _blend(magnitude: Tensor) -> Tensor:
    return (1 + 0.9 * magnitude).clamp_min(0.1)


AUTOCONTRAST = AugmentOp(recolor=lambda images, _: autocontrast(images))
EQUALIZE = AugmentOp(recolor=lambda images, _: equalize(images))
IDENTITY = AugmentOp(recolor=lambda images, _: images)
INVERT = AugmentOp(recolor=lambda images, _: 255 - images)

WIDE = (
    IDENTITY,
    AugmentOp(_times(0.99), maps=affine.shear_x, signed=True),
    AugmentOp(_times(0.99), maps=affine.shear_y, signed=True),
    AugmentOp(_truncated(32), maps=affine.translate_x, signed=True),
    AugmentOp(_truncated(32), maps=affine.translate_y, signed=True),
    AugmentOp(_times(135), maps=affine.rotate, signed=True),
    AugmentOp(_blend_wide, recolor=color.brightness, signed=True),
    AugmentOp(_blend_wide, recolor=color.saturation, signed=True),
    AugmentOp(_blend_wide, recolor=color.contrast, signed=True),
    AugmentOp(_blend_wide, recolor=color.sharpness, signed=True),
    AugmentOp(lambda magnitude: 8 - (6 * magnitude).round(), recolor=color.posterize),
    AugmentOp(lambda magnitude: 255 * (1 - magnitude), recolor=color.solarize),
    AUTOCONTRAST,
    EQUALIZE,
)

INCREASING = (
    AUTOCONTRAST,
    EQUALIZE,
    INVERT,
    AugmentOp(_times(30), maps=affine.rotate, signed=True),
    AugmentOp(lambda magnitude: 4 - (4 * magnitude).trunc(), recolor=color.posterize),
    AugmentOp(lambda magnitude: 256 - (256 * magnitude).trunc(), recolor=color.solarize),
    AugmentOp(_truncated(110), recolor=color.solarize_add),
    AugmentOp(_blend, recolor=color.saturation, signed=True),
    AugmentOp(_blend, recolor=color.contrast, signed=True),
    AugmentOp(_blend, recolor=color.brightness, signed=True),
    AugmentOp(_blend, recolor=color.sharpness, signed=True),
    AugmentOp(_times(0.3), maps=affine.shear_x, signed=True),
    AugmentOp(_times(0.3), maps=affine.shear_y, signed=True),
    AugmentOp(_times(0.45), maps=affine.translate_x, signed=True, axis=3),
    AugmentOp(_times(0.45), maps=affine.translate_y, signed=True, axis=2),
)
