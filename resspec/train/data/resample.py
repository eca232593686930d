"""Parts of images brought to other sizes, a batch at a time, every image with a part of its own.

Resizing is linear along each axis, so it is a matrix for the rows and one for the columns; both are as Pillow's filters
(and torch's `antialias=True`) have them: where an image shrinks, the filter grows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Line(NamedTuple):
    """Along one axis, for each image of a batch (B): pixel i of the result has its centre at `start + (i + 1/2) * scale`, and
    sees nothing outside `low` .. `high`."""

    start: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor

    @classmethod
    def of_part(cls, start: Tensor, length: Tensor, size: int) -> Line:
        """The part that begins at a pixel, brought to `size` pixels."""
        return cls(start, length / size, start, start + length)

    @classmethod
    def of_whole(cls, length: int, sizes: Tensor, start: Tensor) -> Line:
        """The whole of an axis of `length` pixels, brought to so many; of that, what begins at `start`."""
        scale = length / sizes
        return cls(start * scale, scale, torch.zeros_like(start), torch.full_like(start, length))


def resampled(images: Tensor, rows: Line, columns: Line, size: tuple[int, int], interpolation: str) -> Tensor:
    """Of images BxCxHxW the parts, BxCxsize; bytes give bytes."""
    vertical = matrices(rows, images.shape[2], size[0], interpolation).to(images.device)
    horizontal = matrices(columns, images.shape[3], size[1], interpolation).to(images.device)
    result = vertical[:, None] @ images.float() @ horizontal[:, None].mT
    return result if images.is_floating_point() else result.round_().clamp_(0, 255).to(images.dtype)


def matrices(line: Line, length: int, size: int, interpolation: str) -> Tensor:
    """What each pixel of the result takes from each pixel of the image: B x size x length, each row's sum is 1."""
    start, scale, low, high = (value.double()[:, None, None] for value in line)
    centre = start + (torch.arange(size)[:, None] + 0.5) * scale
    pixel = torch.arange(length, dtype=torch.float64)
    if interpolation == "nearest":
        weights = (pixel == centre.floor().clamp(low, high - 1)).double()
    else:
        stretch = scale.clamp_min(1)
        weights = KERNELS[interpolation]((pixel + 0.5 - centre).abs() / stretch)
        weights = weights.masked_fill((pixel < low) | (pixel >= high), 0)
    return (weights / weights.sum(2, keepdim=True)).float()


def _bilinear(x: Tensor) -> Tensor:
    return (1 - x).clamp_min(0)


def _bicubic(x: Tensor) -> Tensor:
    """Keys 1981, with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0))


KERNELS: dict[str, Callable[[Tensor], Tensor]] = {"bilinear": _bilinear, "bicubic": _bicubic}
