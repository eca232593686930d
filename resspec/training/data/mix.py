"""Random erasing, and mixup and cutmix of images with others of their batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from resspec.training.data.chance import beta, choice, happens
from resspec.training.data.crop import first_fitting, random_sides
from resspec.training.data.per_image import per_image
from resspec.training.recipes.images import DataConfig, RandomResizedCropConfig

ERASED = RandomResizedCropConfig(scale=(0.02, 0.33), ratio=(0.3, 3.3))  # Zhong et al. 2017

Boxes = tuple[Tensor, Tensor, Tensor, Tensor]  # top, left, height, width (B)


def random_erase(images: Tensor, keys: Tensor, probability: float) -> Tensor:
    """Erase a rectangle of some images to 0, the mean color of normalized images.

    The first of ten random rectangles that fits is erased, or nothing where none fits.
    """
    height, width = (torch.full_like(keys, length) for length in images.shape[2:])
    # Here the ratio is height by width.
    widths, heights = random_sides(keys, "erase", width, height, ERASED)
    fits = (heights < height[:, None]) & (widths < width[:, None])
    box_height, box_width = first_fitting(fits, heights, widths)
    top = choice(keys, "erase top", height - box_height + 1)
    left = choice(keys, "erase left", width - box_width + 1)
    is_erased = happens(keys, "erase", probability) & fits.any(1)
    box_height = torch.where(is_erased, box_height, 0)
    return images.masked_fill(box_masks((top, left, box_height, box_width), images), 0)


def mix(
    images: Tensor, labels: Tensor, keys: Tensor, transform: DataConfig, classes: int
) -> tuple[Tensor, Tensor]:
    """Mix each image with its partner, by mixup or cutmix; at random where a recipe has both.

    Returns:
        The images, and the share of each class (float32, B x classes).
    """
    height, width = images.shape[2:]
    is_cut = happens(keys, "cutmix", _cutmix_probability(transform))
    share = torch.ones(len(keys), dtype=torch.float64)
    if transform.mixup:
        share = torch.where(is_cut, share, beta(keys, "mixup share", transform.mixup))
    is_other = torch.zeros(1, 1, 1, 1, dtype=torch.bool, device=images.device)
    if transform.cutmix:
        kept = beta(keys, "cutmix share", transform.cutmix)
        boxes = cutmix_boxes(keys, kept, (height, width))
        top, left, box_height, box_width = (torch.where(is_cut, side, 0) for side in boxes)
        is_other = box_masks((top, left, box_height, box_width), images)
        share = torch.where(is_cut, 1 - box_height * box_width / (height * width), share)

    partner = partners(len(images), partner_distance(transform.aug_repeats))
    partner = partner.to(images.device, non_blocking=True)
    share = share.float().to(images.device, non_blocking=True)
    own = torch.where(per_image(is_cut, images), 1, share[:, None, None, None])
    blended = own * images + (1 - own) * images[partner]
    mixed = torch.where(is_other, images[partner], blended)
    targets = one_hot(labels, classes).float()
    share = share[:, None]
    return mixed, share * targets + (1 - share) * targets[partner]


def _cutmix_probability(transform: DataConfig) -> float:
    if transform.mixup:
        return 0.5 if transform.cutmix else 0.0
    return 1.0


def partner_distance(aug_repeats: int) -> int:
    """Return a power of two that reaches past the copies of an image, which stand side by side."""
    return 1 << (aug_repeats - 1).bit_length()


def group_size(transform: DataConfig) -> int:
    """Return how many images are only mixed with each other, so that a batch may be cut there."""
    if transform.mixup or transform.cutmix:
        return 2 * partner_distance(transform.aug_repeats)
    return 1


def partners(count: int, distance: int = 1) -> Tensor:
    """Return the partner of each image: the two halves of each 2 * `distance` images, in pairs.

    At the end of the batch, an image without one takes the image `distance` before it.
    """
    index = torch.arange(count)
    partner = index ^ distance
    return torch.where(partner < count, partner, (index - distance).clamp_min(0))


def cutmix_boxes(keys: Tensor, share: Tensor, size: tuple[int, int]) -> Boxes:
    """Return boxes with the image's ratio and 1 - `share` of its area (Yun et al. 2019).

    Their centers are anywhere in the image, and what lies outside of it is cut off.
    """
    starts: list[Tensor] = []
    lengths: list[Tensor] = []
    for name, length in zip(("cutmix y", "cutmix x"), size, strict=True):
        center = choice(keys, name, length)
        half = (0.5 * (1 - share).sqrt() * length).long()
        start = (center - half).clamp(0, length)
        starts.append(start)
        lengths.append((center + half).clamp(0, length) - start)
    return starts[0], starts[1], lengths[0], lengths[1]


def box_masks(boxes: Boxes, images: Tensor) -> Tensor:
    """Return which pixels are in the box of their image (bool, Bx1xHxW)."""
    device = images.device
    top, left, height, width = (side.to(device, non_blocking=True)[:, None] for side in boxes)
    y, x = (torch.arange(length, device=device) for length in images.shape[2:])
    rows = (top <= y) & (y < top + height)
    columns = (left <= x) & (x < left + width)
    return (rows[:, :, None] & columns[:, None, :])[:, None]
