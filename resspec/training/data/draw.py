"""What goes into a data set and what comes out: which images, and the images."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Draw(NamedTuple):
    """Images of a split by their `indices` (int64, B), and for each the key (int64, B) of which alone, with the image, its
    augmentation is a function."""

    indices: Tensor
    keys: Tensor


class Batch(NamedTuple):
    """`images` in float32, BxCxHxW, normalized, on the device; `targets` as class indices (int64, B), or once they are mixed
    as shares of each class (float32, Bxclasses)."""

    images: Tensor
    targets: Tensor
