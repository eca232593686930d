"""Resize, crop and flip images: batches in memory, and the boxes of images in files."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from resspec.diagnostics import UsageError
from resspec.training.data.chance import choice, happens, uniform
from resspec.training.data.per_image import per_image
from resspec.training.data.resample import ResizedAxis, resample
from resspec.training.recipes.images import DataConfig, RandomResizedCropConfig, TestTransform

TRIES = 10  # random boxes, of which the first that fits is taken

Pair = tuple[Tensor, Tensor]
Boxes = tuple[Tensor, Tensor, Tensor, Tensor]  # top, left, height, width (B)


def crop_training_images(images: Tensor, keys: Tensor, transform: DataConfig) -> Tensor:
    """Return training images (uint8, BxCxHxW), resized, cropped and flipped at random."""
    interpolation = transform.interpolation
    if transform.random_resized_crop:
        images = random_resized_crop(images, keys, transform.random_resized_crop, interpolation)
    elif isinstance(transform.resize, tuple):
        images = random_resize(images, keys, transform)
    else:
        if transform.resize:
            images = resize(images, transform.resize, interpolation)
        images = random_crop(images, keys, transform)
    return random_hflip(images, keys, transform.hflip) if transform.hflip else images


def crop_test_images(images: Tensor, transform: TestTransform) -> Tensor:
    """Return test images (uint8, BxCxHxW), resized and center-cropped."""
    if transform.resize:
        images = resize(images, transform.resize, transform.interpolation)
    return center_crop(images, transform.crop) if transform.crop else images


def keeps_pixels(transform: DataConfig | TestTransform) -> bool:
    """Return whether images are only cropped, padded and flipped, and no pixel is interpolated."""
    is_random = isinstance(transform, DataConfig) and transform.random_resized_crop
    return not (transform.resize or is_random)


def center_crop(images: Tensor, size: int) -> Tensor:
    """Return the square in the middle of images ((Bx)CxHxW).

    Raises:
        UsageError: The images are smaller.
    """
    check_crop(size, size, images.shape[-2:])
    top, left = (round((length - size) / 2) for length in images.shape[-2:])
    return images[..., top : top + size, left : left + size]


def check_crop(height: int, width: int, available: Sequence[int]) -> None:
    """Raise a UsageError where a crop is larger than the `available` height and width."""
    if height > available[0] or width > available[1]:
        images = f"images of {available[0]}x{available[1]}"
        why = f"a crop of {height}x{width} pixels does not fit into {images}"
        raise UsageError(f"{why}; `resize` or `padding` makes them larger", "E0515")


def random_crop(images: Tensor, keys: Tensor, transform: DataConfig) -> Tensor:
    """Pad images (BxCxHxW), and crop each at random."""
    height, width = _crop_size(images, transform)
    border = transform.padding or transform.shift
    if border:
        images = _padded(images, border, transform.padding_mode)
    check_crop(height, width, images.shape[-2:])
    rows, columns = images.shape[2] - height, images.shape[3] - width
    if not rows and not columns:
        return images

    top = choice(keys, "top", rows + 1).to(images.device, non_blocking=True)
    left = choice(keys, "left", columns + 1).to(images.device, non_blocking=True)
    windows = images.unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(len(images), device=images.device), :, top, left]


def random_hflip(images: Tensor, keys: Tensor, probability: float) -> Tensor:
    """Flip each image from left to right with a probability."""
    is_flipped = per_image(happens(keys, "flip", probability), images)
    return torch.where(is_flipped, images.flip(3), images)


def random_resized_crop(
    images: Tensor, keys: Tensor, config: RandomResizedCropConfig, interpolation: str
) -> Tensor:
    """Crop a random box from each image, and resize it."""
    heights, widths = (torch.full_like(keys, length) for length in images.shape[2:])
    top, left, height, width = crop_boxes(keys, heights, widths, config)
    rows = ResizedAxis.of_crop(top, height, config.size)
    columns = ResizedAxis.of_crop(left, width, config.size)
    return resample(images, rows, columns, (config.size, config.size), interpolation)


def random_resize(images: Tensor, keys: Tensor, transform: DataConfig) -> Tensor:
    """Resize each image to a random size, pad it, and crop it at random."""
    height, width = images.shape[2:]
    border = transform.padding or transform.shift
    size = _crop_size(images, transform)

    shorter = random_shorter_side(keys, transform)
    whole = torch.full_like(keys, height), torch.full_like(keys, width)
    heights, widths = resized_size(*whole, shorter)
    top = choice(keys, "top", heights + 2 * border - size[0] + 1)
    left = choice(keys, "left", widths + 2 * border - size[1] + 1)
    rows = ResizedAxis.of_window(height, heights, top - border)
    columns = ResizedAxis.of_window(width, widths, left - border)
    return resample(images, rows, columns, size, transform.interpolation, transform.padding_mode)


def random_shorter_side(keys: Tensor, transform: DataConfig) -> Tensor:
    """Return random sizes of the shorter side (B), from the range of `resize`, inclusive."""
    assert isinstance(transform.resize, tuple)
    low, high = transform.resize
    return low + choice(keys, "size", high - low + 1)


def resized_size(height: Tensor, width: Tensor, shorter: Tensor) -> Pair:
    """Return height and width, rounded down, where the shorter side is `shorter`."""
    least = torch.minimum(height, width)
    return height * shorter // least, width * shorter // least


def resize(images: Tensor, shorter: int, interpolation: str) -> Tensor:
    """Resize images to a size of the shorter side, and keep their aspect ratio."""
    height, width = (torch.tensor([length]) for length in images.shape[2:])
    new_height, new_width = map(int, resized_size(height, width, torch.tensor([shorter])))
    if (new_height, new_width) == tuple(images.shape[2:]):
        return images
    start = torch.zeros(1, dtype=torch.int64)
    rows = ResizedAxis.of_crop(start, height, new_height)
    columns = ResizedAxis.of_crop(start, width, new_width)
    return resample(images, rows, columns, (new_height, new_width), interpolation)


def crop_boxes(
    keys: Tensor, height: Tensor, width: Tensor, config: RandomResizedCropConfig
) -> Boxes:
    """Return a random box in each image, as torchvision's RandomResizedCrop.

    Its share of the area and the logarithm of its ratio are uniform. The first of ten that fits is
    taken, or the largest one in the center with an allowed ratio where none fits.

    Args:
        keys: The keys of the images (int64, B).
        height: The heights of the images (int64, B).
        width: The widths of the images (int64, B).
        config: The ranges of areas and ratios.
    """
    heights, widths = random_sides(keys, "box", height, width, config)
    fits_across = (widths > 0) & (widths <= width[:, None])
    fits = fits_across & (heights > 0) & (heights <= height[:, None])
    fitting = fits.any(1)
    low, high = config.ratio
    widest = torch.minimum(width, (height * high).round().long())
    highest = torch.minimum(height, (width / low).round().long())

    box_height, box_width = first_fitting(fits, heights, widths)
    box_height = torch.where(fitting, box_height, highest)
    box_width = torch.where(fitting, box_width, widest)
    rows, columns = height - box_height, width - box_width
    top = torch.where(fitting, choice(keys, "top", rows + 1), rows // 2)
    left = torch.where(fitting, choice(keys, "left", columns + 1), columns // 2)
    return top, left, box_height, box_width


def random_sides(
    keys: Tensor, name: str, height: Tensor, width: Tensor, config: RandomResizedCropConfig
) -> Pair:
    """Return heights and widths of ten random boxes for each image (int64, Bx10)."""
    smallest, largest = config.scale
    low, high = (torch.tensor(end, dtype=torch.float64).log() for end in config.ratio)
    shares = smallest + (largest - smallest) * uniform(keys, f"{name} area", TRIES)
    ratios = (low + (high - low) * uniform(keys, f"{name} ratio", TRIES)).exp()
    areas = (height * width)[:, None] * shares
    return (areas / ratios).sqrt().round().long(), (areas * ratios).sqrt().round().long()


def first_fitting(fits: Tensor, heights: Tensor, widths: Tensor) -> Pair:
    """Return height and width (B) of the first box of each image that fits (bool, Bx10)."""
    first = fits.int().argmax(1, keepdim=True)
    return heights.gather(1, first)[:, 0], widths.gather(1, first)[:, 0]


def _crop_size(images: Tensor, transform: DataConfig) -> tuple[int, int]:
    if transform.crop:
        return transform.crop, transform.crop
    return images.shape[2], images.shape[3]


def _padded(images: Tensor, border: int, mode: str) -> Tensor:
    if mode == "zeros":
        return pad(images, (border,) * 4)
    return pad(images.float(), (border,) * 4, mode="reflect").to(images.dtype)
