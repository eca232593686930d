"""One image from its file: decoded, cropped and resized as its key says, by Pillow."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torchvision.transforms.v2.functional import pil_to_tensor

from resspec.train.data.crop import boxes, centre, random_part, shorter_sides, sized
from resspec.train.data.dataset import View
from resspec.train.recipe import Data, Test

FILTERS = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


Box = tuple[int, int, int, int]  # left, top, right, bottom


class BrokenPicture(Exception):
    """A file that is no image, or a broken one. It crosses from a worker as its one argument."""


def picture(path: Path, key: Tensor, view: View) -> Tensor:
    """As uint8, 3xHxW; `key` is one of a draw (int64, 1). Raises BrokenPicture."""
    try:
        with Image.open(path) as image:
            return _shown(image, key, view)
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise BrokenPicture(f"{path} cannot be read: {error}") from None


def shown_size(path: Path, view: Test) -> tuple[int, int]:
    """Height and width of a test image without a crop; only its header is read."""
    try:
        with Image.open(path) as image:
            width, height = image.size
    except (OSError, UnidentifiedImageError) as error:
        raise BrokenPicture(f"{path} cannot be read: {error}") from None
    if view.resize is None:
        return height, width
    new = sized(torch.tensor(height), torch.tensor(width), torch.tensor(view.resize))
    return int(new[0]), int(new[1])


def _shown(image: Image.Image, key: Tensor, view: View) -> Tensor:
    whole = image.size
    box, size = _part(whole, key, view)
    if isinstance(view, Data) and view.draft:
        scale = max(size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1]))
        image.draft("RGB", (ceil(whole[0] * scale), ceil(whole[1] * scale)))
        box = _scaled(box, image.size[0] / whole[0], image.size[1] / whole[1])
    image = image.convert("RGB")
    if box != (0, 0, *image.size):
        image = image.crop(box)
    if size != image.size:
        image = image.resize(size, FILTERS[view.interpolation])
    return _window(pil_to_tensor(image), key, view)


def _part(whole: tuple[int, int], key: Tensor, view: View) -> tuple[Box, tuple[int, int]]:
    """What is shown of an image (width, height), and the size that it is brought to."""
    width, height = torch.tensor(whole).split(1)
    if isinstance(view, Data) and view.random_resized:
        top, left, box_height, box_width = (int(side) for side in boxes(key, height, width, view.random_resized))
        return (left, top, left + box_width, top + box_height), (view.random_resized.size, view.random_resized.size)
    if view.resize is None:
        return (0, 0, *whole), whole
    shorter = shorter_sides(key, view) if isinstance(view, Data) and isinstance(view.resize, tuple) else view.resize
    new_height, new_width = sized(height, width, torch.as_tensor(shorter))
    return (0, 0, *whole), (int(new_width), int(new_height))


def _window(image: Tensor, key: Tensor, view: View) -> Tensor:
    if isinstance(view, Test):
        return centre(image, view.crop) if view.crop else image
    if view.random_resized:
        return image
    return random_part(image[None], key, view)[0]


def _scaled(box: Box, across: float, down: float) -> Box:
    left, top = round(box[0] * across), round(box[1] * down)
    return left, top, max(round(box[2] * across), left + 1), max(round(box[3] * down), top + 1)
