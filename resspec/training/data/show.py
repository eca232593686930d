"""From bytes, cut to one size, to what the network reads: changes of each image, then normalizing, then mixing."""

from __future__ import annotations

from torch import Tensor

from resspec.training.data.color import color_jitter, lighting
from resspec.training.data.draw import Batch
from resspec.training.data.mix import erased, mixed
from resspec.training.data.moments import Moments
from resspec.training.data.policy import randaugment, trivial
from resspec.training.recipe import DataConfig, TestTransform


def shown(
    images: Tensor,
    labels: Tensor,
    keys: Tensor,
    view: DataConfig | TestTransform,
    moments: Moments,
    means: Tensor | None,
    classes: int,
) -> Batch:
    """Of images (uint8, BxCxHxW) and labels (int64, B) on one device. `means`: each pixel's mean, as it went with its image."""
    if not isinstance(view, DataConfig):
        return Batch(moments.normalized(images.float(), means), labels)
    if view.trivialaugment:
        images = trivial(images, keys, view.interpolation)
    if view.randaugment:
        images = randaugment(images, keys, view.randaugment, view.interpolation, moments.mean)
    if view.color_jitter:
        images = color_jitter(images, keys, view.color_jitter)
    result = images.float()
    if view.lighting:
        result = lighting(result, keys, moments.axes, view.lighting)
    result = moments.normalized(result, means)
    if view.random_erase:
        result = erased(result, keys, view.random_erase)
    if view.mixup or view.cutmix:
        return Batch(*mixed(result, labels, keys, view, classes))
    return Batch(result, labels)
