"""Which part of an image is shown: drawn for each, of images in memory a whole batch at a time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from resspec.diagnostics import UsageError
from resspec.training.data.chance import choice, happens, uniform
from resspec.training.data.resample import Line, resampled
from resspec.training.recipe import DataConfig, RandomResizedCropConfig, TestTransform


def cropped(images: Tensor, keys: Tensor, view: DataConfig) -> Tensor:
    """Training images (uint8, BxCxHxW) with the size, the part and the side that chance chose for each."""
    if view.random_resized_crop:
        images = random_resized_crop(images, keys, view.random_resized_crop, view.interpolation)
    elif isinstance(view.resize, tuple):
        images = random_sized(images, keys, view)
    else:
        if view.resize:
            images = resized(images, view.resize, view.interpolation)
        images = random_part(images, keys, view)
    return flipped(images, keys, view.hflip) if view.hflip else images


def moves_only(view: DataConfig | TestTransform) -> bool:
    """Whether what is shown of an image are pixels of its own, none of them computed."""
    return not (view.resize or (isinstance(view, DataConfig) and view.random_resized_crop))


def centred(images: Tensor, view: TestTransform) -> Tensor:
    """Test images (uint8, BxCxHxW)."""
    if view.resize:
        images = resized(images, view.resize, view.interpolation)
    return centre(images, view.crop) if view.crop else images


def centre(images: Tensor, size: int) -> Tensor:
    """The square in the middle, of (Bx)CxHxW. Raises UsageError where there is none."""
    fits(size, size, images.shape[-2:])
    top, left = (round((length - size) / 2) for length in images.shape[-2:])
    return images[..., top : top + size, left : left + size]


def fits(height: int, width: int, found: Sequence[int]) -> None:
    """Raises UsageError where images of the height and the width `found` are smaller."""
    if height > found[0] or width > found[1]:
        told = (
            f"a crop of {height}x{width} pixels does not fit into images of {found[0]}x{found[1]}"
        )
        raise UsageError(f"{told}; `resize` or `pad` makes them larger", "E0515")


def random_part(images: Tensor, keys: Tensor, view: DataConfig) -> Tensor:
    """Of the padded image, a window at a random place."""
    border = view.padding or view.shift
    height, width = (view.crop, view.crop) if view.crop else images.shape[2:]
    if border:
        images = bordered(images, border, view.padding_mode)
    fits(height, width, images.shape[-2:])
    rows, columns = images.shape[2] - height, images.shape[3] - width
    if not rows and not columns:
        return images
    top, left = (
        choice(keys, name, slack + 1) for name, slack in (("top", rows), ("left", columns))
    )
    return windows(images, top, left, (height, width))


def bordered(images: Tensor, border: int, padding: str) -> Tensor:
    if padding == "zeros":
        return pad(images, (border,) * 4)
    return pad(images.float(), (border,) * 4, mode="reflect").to(images.dtype)


def windows(images: Tensor, top: Tensor, left: Tensor, size: tuple[int, int]) -> Tensor:
    """From each image the window of one size at its own place."""
    views = images.unfold(2, size[0], 1).unfold(3, size[1], 1)
    each = torch.arange(len(images), device=images.device)
    return views[
        each, :, top.to(images.device, non_blocking=True), left.to(images.device, non_blocking=True)
    ]


def flipped(images: Tensor, keys: Tensor, probability: float) -> Tensor:
    mirrored = happens(keys, "flip", probability).to(images.device, non_blocking=True)
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def random_resized_crop(
    images: Tensor, keys: Tensor, view: RandomResizedCropConfig, interpolation: str
) -> Tensor:
    heights, widths = (torch.full_like(keys, length) for length in images.shape[2:])
    top, left, height, width = boxes(keys, heights, widths, view)
    rows, columns = Line.of_part(top, height, view.size), Line.of_part(left, width, view.size)
    return resampled(images, rows, columns, (view.size, view.size), interpolation)


def random_sized(images: Tensor, keys: Tensor, view: DataConfig) -> Tensor:
    """Return, of each whole image at a random size and padded, a window at a random place."""
    height, width = images.shape[2:]
    border = view.padding or view.shift
    size = (view.crop, view.crop) if view.crop else (height, width)

    heights, widths = sized(
        torch.full_like(keys, height), torch.full_like(keys, width), shorter_sides(keys, view)
    )
    top = choice(keys, "top", heights + 2 * border - size[0] + 1)
    left = choice(keys, "left", widths + 2 * border - size[1] + 1)
    rows = Line.of_whole(height, heights, top - border)
    columns = Line.of_whole(width, widths, left - border)
    return resampled(images, rows, columns, size, view.interpolation, view.padding_mode)


def shorter_sides(keys: Tensor, view: DataConfig) -> Tensor:
    """Drawn from the range of `resize`, both ends included (B)."""
    assert isinstance(view.resize, tuple)
    low, high = view.resize
    return low + choice(keys, "size", high - low + 1)


def sized(height: Tensor, width: Tensor, shorter: Tensor) -> tuple[Tensor, Tensor]:
    """Height and width once the shorter side has its size, the ratio kept, rounded down."""
    least = torch.minimum(height, width)
    return height * shorter // least, width * shorter // least


def resized(images: Tensor, shorter: int, interpolation: str) -> Tensor:
    height, width = (torch.tensor([length]) for length in images.shape[2:])
    new = tuple(int(length) for length in sized(height, width, torch.tensor([shorter])))
    if new == tuple(images.shape[2:]):
        return images
    start = torch.zeros(1, dtype=torch.int64)
    lines = (Line.of_part(start, height, new[0]), Line.of_part(start, width, new[1]))
    return resampled(images, *lines, (new[0], new[1]), interpolation)


def boxes(
    keys: Tensor, height: Tensor, width: Tensor, view: RandomResizedCropConfig
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Top, left, height and width of a rectangle in each image (B): its share of the area and the logarithm of its ratio are
    uniform. The first of ten that fits; where none does, the largest one in the centre whose ratio is allowed."""
    heights, widths = sides(keys, "box", height, width, view)
    fits = (widths > 0) & (widths <= width[:, None]) & (heights > 0) & (heights <= height[:, None])
    first, fitting = fits.int().argmax(1, keepdim=True), fits.any(1)
    low, high = view.ratio
    widest = torch.minimum(width, (height * high).round().long())
    highest = torch.minimum(height, (width / low).round().long())
    box_height = torch.where(fitting, heights.gather(1, first)[:, 0], highest)
    box_width = torch.where(fitting, widths.gather(1, first)[:, 0], widest)
    top = torch.where(
        fitting, choice(keys, "top", height - box_height + 1), (height - box_height) // 2
    )
    left = torch.where(
        fitting, choice(keys, "left", width - box_width + 1), (width - box_width) // 2
    )
    return top, left, box_height, box_width


def sides(
    keys: Tensor, name: str, height: Tensor, width: Tensor, view: RandomResizedCropConfig
) -> tuple[Tensor, Tensor]:
    """Heights and widths of ten tries for each image (Bx10)."""
    low, high = (torch.tensor(end, dtype=torch.float64).log() for end in view.ratio)
    shares = view.scale[0] + (view.scale[1] - view.scale[0]) * uniform(keys, f"{name} area", 10)
    ratios = (low + (high - low) * uniform(keys, f"{name} ratio", 10)).exp()
    areas = (height * width)[:, None] * shares
    return (areas / ratios).sqrt().round().long(), (areas * ratios).sqrt().round().long()
