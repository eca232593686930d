"""Augment, normalize and mix a batch of images of one size."""

from __future__ import annotations

from torch import Tensor

from resspec.training.data.auto_augment import rand_augment, trivial_augment
from resspec.training.data.batch import Batch
from resspec.training.data.color import color_jitter, lighting
from resspec.training.data.mix import mix, random_erase
from resspec.training.data.pixel_stats import PixelStats
from resspec.training.recipes.images import DataConfig, TestTransform


def augment(
    images: Tensor,
    labels: Tensor,
    keys: Tensor,
    transform: DataConfig | TestTransform,
    stats: PixelStats,
    means: Tensor | None,
    classes: int,
) -> Batch:
    """Return a batch for the network.

    Args:
        images: Cropped images (uint8, BxCxHxW).
        labels: Their classes (int64, B), on the same device.
        keys: The keys of the images (int64, B), on the CPU.
        transform: The transforms of training or of test images; the latter are only normalized.
        stats: The statistics to normalize with.
        means: The mean of each pixel, cropped as the images, if needed.
        classes: The number of classes.
    """
    if not isinstance(transform, DataConfig):
        return Batch(stats.normalized(images.float(), means), labels)
    if transform.trivialaugment:
        images = trivial_augment(images, keys, transform.interpolation)
    if transform.randaugment:
        config = transform.randaugment
        images = rand_augment(images, keys, config, transform.interpolation, stats.mean)
    if transform.color_jitter:
        images = color_jitter(images, keys, transform.color_jitter)

    result = images.float()
    if transform.lighting:
        result = lighting(result, keys, stats.axes, transform.lighting)
    result = stats.normalized(result, means)
    if transform.random_erase:
        result = random_erase(result, keys, transform.random_erase)
    if transform.mixup or transform.cutmix:
        return Batch(*mix(result, labels, keys, transform, classes))
    return Batch(result, labels)
