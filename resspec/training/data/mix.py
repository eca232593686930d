"""Rectangles that are erased, and images that are mixed with another one of their batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from resspec.training.data.chance import beta, choice, happens
from resspec.training.data.crop import sides
from resspec.training.recipe import DataConfig, RandomResizedCropConfig

ERASED = RandomResizedCropConfig(scale=(0.02, 0.33), ratio=(0.3, 3.3))  # Zhong et al. 2017


def erased(images: Tensor, keys: Tensor, probability: float) -> Tensor:
    """Normalized images, some with a rectangle of zeros, the mean colour; the first of ten that fits, none where none does."""
    height, width = (torch.full_like(keys, length) for length in images.shape[2:])
    widths, heights = sides(
        keys, "erase", width, height, ERASED
    )  # here the ratio is height by width
    fits = (heights < height[:, None]) & (widths < width[:, None])
    first = fits.int().argmax(1, keepdim=True)
    box_height, box_width = heights.gather(1, first)[:, 0], widths.gather(1, first)[:, 0]
    top, left = (
        choice(keys, "erase top", height - box_height + 1),
        choice(keys, "erase left", width - box_width + 1),
    )
    erasing = happens(keys, "erase", probability) & fits.any(1)
    return images.masked_fill(
        rectangles(top, left, torch.where(erasing, box_height, 0), box_width, images), 0
    )


def mixed(
    images: Tensor, labels: Tensor, keys: Tensor, view: DataConfig, classes: int
) -> tuple[Tensor, Tensor]:
    """Each image with its partner, and the share of each class (float32, Bxclasses). Where a recipe has both, chance says for
    each image whether it is mixup or cutmix."""
    other = partners(len(images), distance(view.aug_repeats))
    cut = happens(keys, "cutmix", 1.0 if not view.mixup else 0.5 if view.cutmix else 0.0)
    share = torch.ones(len(keys), dtype=torch.float64)
    if view.mixup:
        share = torch.where(cut, share, beta(keys, "mixup share", view.mixup))
    inside = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=images.device)
    if view.cutmix:
        box = patches(
            keys, beta(keys, "cutmix share", view.cutmix), (images.shape[2], images.shape[3])
        )
        top, left, height, width = (torch.where(cut, side, 0) for side in box)
        inside = rectangles(top, left, height, width, images)
        share = torch.where(cut, 1 - height * width / (images.shape[2] * images.shape[3]), share)
    here = other.to(images.device, non_blocking=True)
    share = share.float().to(images.device, non_blocking=True)
    blend = torch.where(cut.to(images.device, non_blocking=True), 1, share)[:, None, None, None]
    images = torch.where(inside, images[here], blend * images + (1 - blend) * images[here])
    targets = one_hot(labels, classes).float()
    return images, share[:, None] * targets + (1 - share)[:, None] * targets[here]


def distance(repeated: int) -> int:
    """Places between the two that are mixed: the power of two that reaches past `repeated` neighbours, which show one image."""
    return 1 << (repeated - 1).bit_length()


def group(view: DataConfig) -> int:
    """Images that are mixed with one another alone: where a batch is cut between such groups, the pairs stay the same."""
    return 2 * distance(view.aug_repeats) if view.mixup or view.cutmix else 1


def partners(count: int, far: int = 1) -> Tensor:
    """Whom each of a batch is mixed with: the two halves of every 2 * `far` places, a power of two, in pairs. In a last part
    that is no such group, who has no partner takes the one that stands `far` before."""
    place = torch.arange(count)
    other = place ^ far
    return torch.where(other < count, other, (place - far).clamp_min(0))


def patches(
    keys: Tensor, share: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Yun et al. 2019: a rectangle with the image's ratio and 1 - `share` of its area around any pixel, cut off at the image's
    border: top, left, height and width (B)."""
    ends = []
    for name, length in zip(("cutmix y", "cutmix x"), size, strict=True):
        centre = choice(keys, name, length)
        half = (0.5 * (1 - share).sqrt() * length).long()
        ends += [(centre - half).clamp(0, length), (centre + half).clamp(0, length)]
    top, bottom, left, right = ends
    return top, left, bottom - top, right - left


def rectangles(top: Tensor, left: Tensor, height: Tensor, width: Tensor, images: Tensor) -> Tensor:
    """Where each image's rectangle is: Bx1xHxW."""
    y, x = (torch.arange(length, device=images.device) for length in images.shape[2:])
    first, last, left, right = (
        end.to(images.device, non_blocking=True)[:, None]
        for end in (top, top + height, left, left + width)
    )
    rows, columns = (first <= y) & (y < last), (left <= x) & (x < right)
    return (rows[:, :, None] & columns[:, None, :])[:, None]
