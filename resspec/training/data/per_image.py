"""Values of each image of a batch, beside its pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def per_image(values: Tensor, images: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return one value per image (B) as Bx1x1x1 on the device of the images."""
    moved = values.to(images.device, dtype, non_blocking=True)
    return moved[:, None, None, None]
