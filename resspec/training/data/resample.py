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
    """Along one axis, for each image of a batch (B): a part of the image is resized to `total` pixels, and pixel i of the
    result is pixel `first + i` of these. Its center is at `start + (first + i + 1/2) * scale` in the image, and it sees
    nothing outside `low` .. `high`. What lies before pixel 0 and after the last one is a border."""

    start: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor
    first: Tensor
    total: Tensor

    @classmethod
    def of_part(cls, start: Tensor, length: Tensor, size: int) -> Line:
        """Return the line of a part that begins at pixel `start`, resized to `size` pixels."""
        first, total = torch.zeros_like(start), torch.full_like(start, size)
        return cls(start, length / size, start, start + length, first, total)

    @classmethod
    def of_whole(cls, length: int, sizes: Tensor, first: Tensor) -> Line:
        """Return the line of a whole axis of `length` pixels, resized to `sizes`; of that, what begins at `first`."""
        start = torch.zeros_like(sizes)
        return cls(start, length / sizes, start, torch.full_like(sizes, length), first, sizes)


def resampled(
    images: Tensor,
    rows: Line,
    columns: Line,
    size: tuple[int, int],
    interpolation: str,
    padding: str = "zeros",
) -> Tensor:
    """Return the resized parts of images.

    Args:
        images: BxCxHxW.
        rows: Where the rows of the result lie.
        columns: Where its columns lie.
        size: Height and width of the result.
        interpolation: `nearest`, `bilinear` or `bicubic`.
        padding: What a border shows: `zeros` or `reflect`.

    Returns:
        BxCxsize; uint8 where the images are.
    """
    vertical = matrices(rows, images.shape[2], size[0], interpolation, padding).to(images.device)
    horizontal = matrices(columns, images.shape[3], size[1], interpolation, padding).to(
        images.device
    )
    result = vertical[:, None] @ images.float() @ horizontal[:, None].mT
    return result if images.is_floating_point() else result.round_().clamp_(0, 255).to(images.dtype)


def matrices(
    line: Line, length: int, size: int, interpolation: str, padding: str = "zeros"
) -> Tensor:
    """Return what each pixel of the result takes from each pixel of the image: B x size x length.

    The sum of each row is 1; that of a pixel in a border of zeros is 0.
    """
    start, scale, low, high = (value.double()[:, None, None] for value in line[:4])
    last = line.total[:, None] - 1
    resized = line.first[:, None] + torch.arange(size)
    is_border = (resized < 0) | (resized > last)
    if padding == "reflect":
        resized = last - (last - resized.abs()).abs()

    centre = start + (resized[:, :, None] + 0.5) * scale
    pixel = torch.arange(length, dtype=torch.float64)
    if interpolation == "nearest":
        weights = (pixel == centre.floor().clamp(low, high - 1)).double()
    else:
        stretch = scale.clamp_min(1)
        weights = KERNELS[interpolation]((pixel + 0.5 - centre).abs() / stretch)
        weights = weights.masked_fill((pixel < low) | (pixel >= high), 0)

    weights = weights / weights.sum(2, keepdim=True)
    if padding == "zeros":
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
