"""Images that turn, slide and lean: each pixel of the result is looked up where an affine map says it came from."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


def moved(images: Tensor, maps: Tensor, interpolation: str, fill: Tensor) -> Tensor:
    """Of uint8 BxCxHxW, each image by a map of its own (Bx2x3): from a pixel's x, y and 1, counted from the centre, to where it
    comes from. What comes from outside has the colour `fill` (C)."""
    height, width = images.shape[2:]
    x = torch.arange(width, dtype=torch.float64) + 0.5 - width / 2
    y = torch.arange(height, dtype=torch.float64) + 0.5 - height / 2
    points = torch.stack(
        [*torch.meshgrid(x, y, indexing="xy"), torch.ones(height, width, dtype=torch.float64)], 2
    )
    half = torch.tensor([width / 2, height / 2], dtype=torch.float64)
    grid = (points @ maps.double().mT[:, None] / half).float().to(images.device, non_blocking=True)
    mode = "nearest" if interpolation == "nearest" else "bilinear"
    colour = fill.to(images.device, torch.float32).view(-1, 1, 1)
    found = grid_sample(images - colour, grid, mode, "zeros", align_corners=False) + colour
    return found.round().clamp(0, 255).to(torch.uint8)


def shear_x(amounts: Tensor, size: tuple[int, int]) -> Tensor:
    """Rows slide, the upmost one stays (AutoAugment); `size` is HxW."""
    return _maps(amounts, x=(1, amounts, amounts * size[0] / 2))


def shear_y(amounts: Tensor, size: tuple[int, int]) -> Tensor:
    """Columns slide, the leftmost one stays."""
    return _maps(amounts, y=(amounts, 1, amounts * size[1] / 2))


def slide_x(amounts: Tensor, size: tuple[int, int]) -> Tensor:
    """By pixels, to the right."""
    del size
    return _maps(amounts, x=(1, 0, -amounts))


def slide_y(amounts: Tensor, size: tuple[int, int]) -> Tensor:
    """By pixels, down."""
    del size
    return _maps(amounts, y=(0, 1, -amounts))


def rotate(amounts: Tensor, size: tuple[int, int]) -> Tensor:
    """By degrees, against the clock."""
    del size
    angle = amounts.deg2rad()
    return _maps(amounts, (angle.cos(), -angle.sin(), 0), (angle.sin(), angle.cos(), 0))


Row = tuple[Tensor | float, Tensor | float, Tensor | float]


def _maps(like: Tensor, x: Row = (1, 0, 0), y: Row = (0, 1, 0)) -> Tensor:
    return torch.stack(
        [torch.as_tensor(value, dtype=torch.float64).expand(len(like)) for value in (*x, *y)], 1
    ).view(-1, 2, 3)
