"""Batches: the images to read, and the images that were read."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class IndexBatch(NamedTuple):
    """The images of a batch, before they are read.

    Attributes:
        indices: The images of a split (int64, B).
        keys: A random key for each (int64, B); its augmentation depends on nothing else.
    """

    indices: Tensor
    keys: Tensor


class Batch(NamedTuple):
    """The images of a batch, on the device.

    Attributes:
        images: Normalized images (float32, BxCxHxW).
        targets: Class indices (int64, B), or after mixup or cutmix the share of each class
            (float32, B x classes).
    """

    images: Tensor
    targets: Tensor
