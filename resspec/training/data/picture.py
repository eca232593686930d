"""One image from its file: decoded, cropped and resized as its key says, by Pillow."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor

from resspec.training.data.crop import boxes, centre, random_part, shorter_sides, sized
from resspec.training.data.dataset import View
from resspec.training.data.decode import UPRIGHT, UnreadableImage, naming, open_image, quiet
from resspec.training.data.sizes import MOST_PIXELS
from resspec.training.recipe import DataConfig, TestTransform

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}

Box = tuple[int, int, int, int]  # left, top, right, bottom


def picture(path: Path, key: Tensor, view: View, exif: str = UPRIGHT) -> Tensor:
    """Return an image as a recipe shows it.

    Args:
        path: The image file.
        key: The key of a draw (int64, 1), of which alone the random choices are a function.
        view: How it is shown, in training or in a test.
        exif: `upright` or `ignore`.

    Returns:
        uint8, 3xHxW.

    Raises:
        UnreadableImage: The file cannot be read, or the image becomes too large.
        UsageError: A crop is larger than the image.
    """
    with quiet():
        opened = open_image(path, exif)
        whole = opened.size
        box, size = _part(whole, key, view)
        _refuse_absurd(path, whole, size)
        if isinstance(view, DataConfig) and view.draft:
            scale = max(size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1]))
            image = opened.rgb(scale, draft=True)
            box = _scaled(box, whole, image.size)
        else:
            image = opened.rgb()
    with naming(path):
        if box != (0, 0, *image.size):
            image = image.crop(box)
        if size != image.size:
            image = image.resize(size, FILTERS[view.interpolation])
        pixels = pil_to_tensor(image)
    return _window(pixels, key, view)


def shown_size(path: Path, stored: tuple[int, int], view: TestTransform) -> tuple[int, int]:
    """Return height and width of a test image without a crop; `stored` is its height and width, upright."""
    height, width = stored
    whole = (width, height)
    _, size = _part(whole, torch.zeros(1, dtype=torch.int64), view)
    _refuse_absurd(path, whole, size)
    return size[1], size[0]


def _refuse_absurd(path: Path, whole: tuple[int, int], size: tuple[int, int]) -> None:
    """A line of pixels whose shorter side is brought to 256 would take gigabytes."""
    if size[0] * size[1] > MOST_PIXELS:
        pixels = f"{size[0]:,}x{size[1]:,} pixels; at most {MOST_PIXELS:,} in all are allowed"
        raise UnreadableImage(
            path, f"its {whole[0]:,}x{whole[1]:,} pixels would be resized to {pixels}"
        )


def _part(whole: tuple[int, int], key: Tensor, view: View) -> tuple[Box, tuple[int, int]]:
    """What is shown of an image (width, height), and the size that it is brought to."""
    width, height = torch.tensor(whole).split(1)
    if isinstance(view, DataConfig) and view.random_resized_crop:
        top, left, box_height, box_width = (
            int(side) for side in boxes(key, height, width, view.random_resized_crop)
        )
        return (left, top, left + box_width, top + box_height), (
            view.random_resized_crop.size,
            view.random_resized_crop.size,
        )
    if view.resize is None:
        return (0, 0, *whole), whole
    shorter = (
        shorter_sides(key, view)
        if isinstance(view, DataConfig) and isinstance(view.resize, tuple)
        else view.resize
    )
    new_height, new_width = sized(height, width, torch.as_tensor(shorter))
    return (0, 0, *whole), (int(new_width), int(new_height))


def _window(image: Tensor, key: Tensor, view: View) -> Tensor:
    if isinstance(view, TestTransform):
        return centre(image, view.crop) if view.crop else image
    if view.random_resized_crop:
        return image
    return random_part(image[None], key, view)[0]


def _scaled(box: Box, whole: tuple[int, int], drafted: tuple[int, int]) -> Box:
    """The same part of the image once it is drafted, of a pixel at least."""
    across, down = drafted[0] / whole[0], drafted[1] / whole[1]
    left = min(round(box[0] * across), drafted[0] - 1)
    top = min(round(box[1] * down), drafted[1] - 1)
    right = max(round(box[2] * across), left + 1)
    bottom = max(round(box[3] * down), top + 1)
    return left, top, right, bottom
