"""Affine transforms of a batch of images, one for each image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

Size = tuple[int, int]  # height, width
Row = tuple[Tensor | float, Tensor | float, Tensor | float]


def affine(images: Tensor, maps: Tensor, interpolation: str, fill: Tensor) -> Tensor:
    """Move the pixels of each image.

    Args:
        images: uint8, BxCxHxW.
        maps: From the x, y and 1 of a pixel, counted from the center, to its source (Bx2x3).
        interpolation: `nearest`, or anything else for bilinear.
        fill: The color of pixels from outside the image (C).

    Returns:
        uint8, BxCxHxW.
    """
    height, width = images.shape[2:]
    x = torch.arange(width, dtype=torch.float64) + 0.5 - width / 2
    y = torch.arange(height, dtype=torch.float64) + 0.5 - height / 2
    ones = torch.ones(height, width, dtype=torch.float64)
    points = torch.stack([*torch.meshgrid(x, y, indexing="xy"), ones], 2)
    half = torch.tensor([width / 2, height / 2], dtype=torch.float64)
    grid = (points @ maps.double().mT[:, None] / half).float()

    mode = "nearest" if interpolation == "nearest" else "bilinear"
    color = fill.to(images.device, torch.float32).view(-1, 1, 1)
    grid = grid.to(images.device, non_blocking=True)
    result = grid_sample(images - color, grid, mode, "zeros", align_corners=False) + color
    return result.round().clamp(0, 255).to(torch.uint8)


def shear_x(amounts: Tensor, size: Size) -> Tensor:
    """Return maps that shear rows and keep the topmost one, as AutoAugment; `size` is HxW."""
    return _maps(amounts, x=(1, amounts, amounts * size[0] / 2))


def shear_y(amounts: Tensor, size: Size) -> Tensor:
    """Return maps that shear columns and keep the leftmost one."""
    return _maps(amounts, y=(amounts, 1, amounts * size[1] / 2))


def translate_x(amounts: Tensor, _: Size) -> Tensor:
    """Return maps that move images by pixels to the right."""
    return _maps(amounts, x=(1, 0, -amounts))


def translate_y(amounts: Tensor, _: Size) -> Tensor:
    """Return maps that move images by pixels down."""
    return _maps(amounts, y=(0, 1, -amounts))


def rotate(amounts: Tensor, _: Size) -> Tensor:
    """Return maps that turn images by degrees, counterclockwise."""
    angle = amounts.deg2rad()
    cos, sin = angle.cos(), angle.sin()
    return _maps(amounts, (cos, -sin, 0), (sin, cos, 0))


def _maps(like: Tensor, x: Row = (1, 0, 0), y: Row = (0, 1, 0)) -> Tensor:
    values = [torch.as_tensor(value, dtype=torch.float64) for value in (*x, *y)]
    return torch.stack([value.expand(len(like)) for value in values], 1).view(-1, 2, 3)
