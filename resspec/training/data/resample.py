"""Resize a different part of each image of a batch.

Resizing is linear along each axis, so it is one matrix for the rows and one for the columns. The
filters are Pillow's, as with torch's `antialias=True`: where an image shrinks, the filter widens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class ResizedAxis(NamedTuple):
    """The places of the pixels of a result along one axis of each image (B).

    A part of the image is resized to `total` pixels, and the result begins at pixel `first` of
    them; pixels before 0 and from `total` on are border. Pixel i of the result has its center at
    `start + (first + i + 1/2) * scale` in the image, and sees only pixels in `low`..`high`.
    """

    start: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor
    first: Tensor
    total: Tensor

    @classmethod
    def of_crop(cls, start: Tensor, length: Tensor, size: int) -> ResizedAxis:
        """Return the axis of a crop of `length` pixels from `start`, resized to `size`."""
        first = torch.zeros_like(start)
        total = torch.full_like(start, size)
        return cls(start, length / size, start, start + length, first, total)

    @classmethod
    def of_window(cls, length: int, sizes: Tensor, first: Tensor) -> ResizedAxis:
        """Return the axis of a window from `first` in a whole axis, resized to `sizes`."""
        start = torch.zeros_like(sizes)
        high = torch.full_like(sizes, length)
        return cls(start, length / sizes, start, high, first, sizes)


def resample(
    images: Tensor,
    rows: ResizedAxis,
    columns: ResizedAxis,
    size: tuple[int, int],
    interpolation: str,
    padding_mode: str = "zeros",
) -> Tensor:
    """Return the resized parts of images.

    Args:
        images: BxCxHxW.
        rows: Where the rows of the result lie.
        columns: Where its columns lie.
        size: Height and width of the result.
        interpolation: `nearest`, `bilinear` or `bicubic`.
        padding_mode: The pixels of a border: `zeros` or `reflect`.

    Returns:
        BxCxsize; uint8 where the images are.
    """
    height, width = images.shape[2:]
    vertical = resize_matrices(rows, height, size[0], interpolation, padding_mode)
    horizontal = resize_matrices(columns, width, size[1], interpolation, padding_mode)
    vertical = vertical.to(images.device)[:, None]
    horizontal = horizontal.to(images.device)[:, None]
    result = vertical @ images.float() @ horizontal.mT
    if images.is_floating_point():
        return result
    return result.round_().clamp_(0, 255).to(images.dtype)


def resize_matrices(
    axis: ResizedAxis, length: int, size: int, interpolation: str, padding_mode: str = "zeros"
) -> Tensor:
    """Return the weight of each pixel of the image in each pixel of the result.

    Returns:
        B x size x length; each row sums to 1, or to 0 in a border of zeros.
    """
    start, scale, low, high = (value.double()[:, None, None] for value in axis[:4])
    last = axis.total[:, None] - 1
    resized = axis.first[:, None] + torch.arange(size)
    is_border = (resized < 0) | (resized > last)
    if padding_mode == "reflect":
        resized = last - (last - resized.abs()).abs()

    center = start + (resized[:, :, None] + 0.5) * scale
    pixel = torch.arange(length, dtype=torch.float64)
    if interpolation == "nearest":
        weights = (pixel == center.floor().clamp(low, high - 1)).double()
    else:
        distance = (pixel + 0.5 - center).abs() / scale.clamp_min(1)
        weights = KERNELS[interpolation](distance)
        weights = weights.masked_fill((pixel < low) | (pixel >= high), 0)

    weights = weights / weights.sum(2, keepdim=True)
    if padding_mode == "zeros":
        weights = weights.masked_fill(is_border[:, :, None], 0)
    return weights.float()


def _bilinear(x: Tensor) -> Tensor:
    return (1 - x).clamp_min(0)


def _bicubic(x: Tensor) -> Tensor:
    """Keys 1981, with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0))


KERNELS: dict[str, Callable[[Tensor], Tensor]] = {"bilinear": _bilinear, "bicubic": _bicubic}
