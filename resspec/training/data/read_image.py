"""Read one image from its file: decoded, cropped and resized by Pillow."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor

from resspec.training.data.crop import (
    center_crop,
    crop_boxes,
    random_crop,
    random_shorter_side,
    resized_size,
)
from resspec.training.data.dataset import Transform
from resspec.training.data.decode import UPRIGHT, UnreadableImage, naming, open_image, quiet
from resspec.training.data.output_sizes import MAX_PIXELS
from resspec.training.recipes.images import DataConfig, TestTransform

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}

Box = tuple[int, int, int, int]  # left, top, right, bottom
Size = tuple[int, int]  # width, height, as in Pillow


def read_image(
    path: Path, key: Tensor, transform: Transform, exif: str = UPRIGHT, channels: int = 3
) -> Tensor:
    """Return a transformed image.

    Args:
        path: The image file.
        key: The key of the image (int64, 1); random choices depend on nothing else.
        transform: The transforms of training or of test images.
        exif: `upright` or `ignore`.
        channels: 3 for RGB, 1 for grayscale.

    Returns:
        uint8, CxHxW.

    Raises:
        UnreadableImage: The file cannot be read, or the image becomes too large.
        UsageError: A crop is larger than the image.
    """
    with quiet():
        opened = open_image(path, exif)
        box, size = _box_and_size(opened.size, key, transform)
        _check_size(path, opened.size, size)
        if isinstance(transform, DataConfig) and transform.draft:
            scale = max(size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1]))
            image = opened.rgb(scale, draft=True)
            box = _scaled(box, opened.size, image.size)
        else:
            image = opened.rgb()
    with naming(path):
        if channels == 1:
            image = image.convert("L")
        if box != (0, 0, *image.size):
            image = image.crop(box)
        if size != image.size:
            image = image.resize(size, FILTERS[transform.interpolation])
        pixels = pil_to_tensor(image)
    return _cropped(pixels, key, transform)


def resized_test_size(path: Path, stored: Size, transform: TestTransform) -> Size:
    """Return height and width of a test image that is not cropped; `stored` has them upright."""
    height, width = stored
    whole = (width, height)
    _, size = _box_and_size(whole, torch.zeros(1, dtype=torch.int64), transform)
    _check_size(path, whole, size)
    return size[1], size[0]


def _check_size(path: Path, whole: Size, size: Size) -> None:
    """Refuse gigabytes, as for a line of pixels whose shorter side is resized to 256."""
    if size[0] * size[1] <= MAX_PIXELS:
        return
    resized = f"{size[0]:,}x{size[1]:,} pixels; at most {MAX_PIXELS:,} in all are allowed"
    why = f"its {whole[0]:,}x{whole[1]:,} pixels would be resized to {resized}"
    raise UnreadableImage(path, why)


def _box_and_size(whole: Size, key: Tensor, transform: Transform) -> tuple[Box, Size]:
    """Return the part of an image that is used, and the size that it is resized to."""
    width, height = torch.tensor(whole).split(1)
    if isinstance(transform, DataConfig) and transform.random_resized_crop:
        config = transform.random_resized_crop
        top, left, box_height, box_width = map(int, crop_boxes(key, height, width, config))
        return (left, top, left + box_width, top + box_height), (config.size, config.size)

    resize = transform.resize
    if resize is None:
        return (0, 0, *whole), whole
    if isinstance(transform, DataConfig) and isinstance(resize, tuple):
        shorter = random_shorter_side(key, transform)
    else:
        shorter = torch.as_tensor(resize)
    new_height, new_width = map(int, resized_size(height, width, shorter))
    return (0, 0, *whole), (new_width, new_height)


def _cropped(image: Tensor, key: Tensor, transform: Transform) -> Tensor:
    if isinstance(transform, TestTransform):
        return center_crop(image, transform.crop) if transform.crop else image
    if transform.random_resized_crop:
        return image
    return random_crop(image[None], key, transform)[0]


def _scaled(box: Box, whole: Size, drafted: Size) -> Box:
    """Return the same part of a drafted image, at least one pixel of it."""
    across = drafted[0] / whole[0]
    down = drafted[1] / whole[1]
    left = min(round(box[0] * across), drafted[0] - 1)
    top = min(round(box[1] * down), drafted[1] - 1)
    right = max(round(box[2] * across), left + 1)
    bottom = max(round(box[3] * down), top + 1)
    return left, top, right, bottom
