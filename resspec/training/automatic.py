"""The recipe that is chosen where none is given.

It depends on how many training images there are, on the size of the network's input, on whether the
network has norms, and on whether it starts from trained weights. AdamW with a warm-up, a cosine and
clipped gradients trains every kind of convolutional network without a search for its learning rate.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from resspec.ir.network import Network
from resspec.ir.nodes import Op
from resspec.ir.ops.norm import Norm
from resspec.ir.walk import distinct, whole
from resspec.source import Source
from resspec.training.data import Dataset

CHOSEN = "the chosen recipe"
SIZES = (1_000, 10_000, 100_000)  # of a training part, in images: the bounds of the columns below
EPOCHS = (30, 60, 90, 90)  # from random weights
FINE_TUNING_EPOCHS = (20, 15, 10, 5)
SMALLEST_CROP = (0.5, 0.35, 0.2, 0.08)  # share of an image's area
BATCHES_OF_AN_EPOCH = 12  # at least, in small data sets
BATCH_SIZES = (16, 128)  # the least and the most


def recipe_for(network: Network, data: Dataset, *, fine_tuning: bool) -> Source:
    """Return the text of a recipe for a network and a data set.

    Args:
        network: The network, whose input is the size of the images.
        data: The data set, whose size decides how long to train.
        fine_tuning: Whether training starts from weights that were trained before.
    """
    lines = _lines(network, data, fine_tuning)
    return Source(CHOSEN, "".join(f"{line}\n" for line in lines))


def _lines(network: Network, data: Dataset, fine_tuning: bool) -> Iterator[str]:
    images = len(data.train)
    column = bisect_right(SIZES, images)
    epochs = (FINE_TUNING_EPOCHS if fine_tuning else EPOCHS)[column]
    start = "trained weights" if fine_tuning else "random weights"
    yield f"source: chosen by resspec for {_magnitude(column)} images, from {start}"
    yield f"epochs: {epochs}"
    yield f"batch_size: {_batch_size(images)}"
    yield f"optimizer: {{name: adamw, lr: {_lr(network, fine_tuning)}, weight_decay: 0.05}}"
    yield "norm_weight_decay: 0"
    yield f"warmup: {{length: {1 if fine_tuning else 3} epochs, start_factor: 0.05}}"
    yield "schedule: {name: cosine}"
    yield "clip_grad_norm: 1.0"
    yield "label_smoothing: 0.1"
    yield f"data: {_transforms(network, data, SMALLEST_CROP[column])}"
    if column == 0:
        yield "checkpoint: 5 epochs"


def _magnitude(column: int) -> str:
    """Return how many images a column of the tables is for.

    A run keeps its recipe if a damaged image is removed, so the recipe has no exact number.
    """
    return f"at least {SIZES[-1]:,}" if column == len(SIZES) else f"fewer than {SIZES[column]:,}"


def _batch_size(images: int) -> int:
    """Return a power of two."""
    least, most = BATCH_SIZES
    fits = images // BATCHES_OF_AN_EPOCH
    power = 1 << max(fits, 1).bit_length() - 1
    return min(max(power, least), most, max(images, 1))


def _lr(network: Network, fine_tuning: bool) -> float:
    """Return a learning rate for AdamW, lower for networks that nothing keeps in scale."""
    nodes = (each.node for each in distinct(whole(network)))
    has_norm = any(isinstance(node, Op) and isinstance(node.layer, Norm) for node in nodes)
    if fine_tuning:
        return 3e-4 if has_norm else 1e-4
    return 1e-3 if has_norm else 3e-4


def _transforms(network: Network, data: Dataset, smallest_crop: float) -> str:
    """Return the section `data`: images as stored where they have the size of the input."""
    if not network.input.is_image:
        return "{}"
    side = min(network.input.spatial)
    if data.shape[1:] == network.input.spatial:
        hflip = ", hflip: 0.5" if data.shape[0] > 1 else ""
        return f"{{shift: {max(side // 8, 1)}{hflip}}}"
    train = f"random_resized_crop: {{size: {side}, scale: [{smallest_crop}, 1]}}, hflip: 0.5"
    return f"{{{train}, test: {{resize: {round(side * 8 / 7)}, crop: {side}}}}}"
