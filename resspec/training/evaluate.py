"""Evaluation: loss and errors of a network on images, by the protocols of the papers.

Every test of the trainer and of `resspec eval` goes through `evaluate_module`: the loss is always
the plain cross-entropy of the predicted probabilities, whatever the network was trained with, and
each image counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from resspec.ir.network import Network
from resspec.training.data import Batch, IndexBatch, Split
from resspec.training.data.crop import center_crop
from resspec.training.distributed.processes import Processes
from resspec.training.machine import autocast
from resspec.training.recipes.images import TestTransform

Protocol = Literal["1-crop", "10-crop", "multi-scale"]
PROTOCOLS: dict[Protocol, str] = {
    "1-crop": "each image once, as the recipe transforms test images",
    "10-crop": "four corners and the center, each with its mirror image; softmax averaged",
    "multi-scale": (
        "the whole image and its mirror image, the head made convolutional, at five sizes; "
        "softmax averaged"
    ),
}
TEST_BATCH = 256  # images of a batch while a run is tested
SCALES = (224, 256, 384, 480, 640)  # He et al. 2015, section 4.1, for an input of 224 pixels
SMALLEST_PROBABILITY = 1e-45  # the smallest float32 above 0, where -log would be infinite

Crops = Callable[[Tensor], Iterable[Tensor]]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        loss: Mean cross-entropy of the right class.
        top5_correct: Number of images whose class is among the five with the highest scores.
        confusion: Number of images of each class (rows) by predicted class (columns).
    """

    loss: float
    top5_correct: int
    confusion: Tensor

    @property
    def total(self) -> int:
        """Number of images."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Number of images whose class was predicted."""
        return int(self.confusion.diagonal().sum())

    @property
    def top1_error(self) -> float:
        """Share of images whose class was not predicted."""
        return 1 - self.correct / self.total

    @property
    def top5_error(self) -> float:
        """Share of images whose class is not among the five with the highest scores."""
        return 1 - self.top5_correct / self.total


@dataclass(frozen=True, eq=False)
class EvalConfig:
    """The images and the protocol of an evaluation.

    Attributes:
        split: The images.
        transform: The resize and crop of the images.
        protocol: The crops of an image that are averaged.
        batch_size: Images at a time.
        workers: DataLoader workers.
        precision: `fp32`, `bf16` or `fp16`.
        indices: The images of the split to evaluate on; None: all.
    """

    split: Split
    transform: TestTransform
    protocol: Protocol = "1-crop"
    batch_size: int = 64
    workers: int = 0
    precision: str = "fp32"
    indices: Tensor | None = None


def evaluate(
    network: Network,
    weights: dict[str, Tensor],
    config: EvalConfig,
    processes: Processes,
    progress: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """Evaluate a network with these weights.

    Args:
        network: The network.
        weights: Its tensors by their names.
        config: The images and the protocol.
        processes: The processes, which share the images.
        progress: Called with the number of images of each batch.

    Raises:
        UsageError: An image cannot be read, or the protocol does not fit the images.
    """
    transforms, module = _prepared(network, weights, config)
    module.to(processes.device)
    size = min(network.input.spatial) if network.input.is_image else 0
    crops: dict[Protocol, Crops] = {
        "1-crop": lambda images: (images,),
        "10-crop": lambda images: ten_crops(images, size),
        "multi-scale": lambda images: (images, images.flip(3)),
    }
    found = evaluate_module(
        module,
        network.output.elements,
        config,
        processes,
        transforms,
        crops=crops[config.protocol],
        progress=progress,
    )
    assert found is not None
    return found


@torch.no_grad()
def evaluate_module(
    module: nn.Module,
    classes: int,
    config: EvalConfig,
    processes: Processes,
    transforms: Sequence[TestTransform] = (),
    *,
    crops: Crops = lambda images: (images,),
    progress: Callable[[int], None] = lambda _: None,
    interrupted: Callable[[], object] = lambda: False,
) -> Evaluation | None:
    """Evaluate a module that is on the device, and leave it in eval mode.

    Args:
        module: The network.
        classes: Number of its classes.
        config: The images.
        processes: The processes, which share the images.
        transforms: Transforms whose predictions are averaged, in place of that of `config`.
        crops: Returns the crops of a batch whose predictions are averaged.
        progress: Called with the number of images of each batch.
        interrupted: Called before each batch; once it returns true, the evaluation is given up.

    Returns:
        The result over all processes; None if it was interrupted.

    Raises:
        UsageError: An image cannot be read.
    """
    device, split = processes.device, config.split
    transforms = transforms or (config.transform,)
    indices = torch.arange(len(split)) if config.indices is None else config.indices
    mine = indices[processes.rank :: processes.world]
    module.eval()
    tally, is_averaged = _Tally(classes, device), len(transforms) > 1
    averaged = torch.zeros(len(mine) if is_averaged else 0, classes)
    row = torch.empty(len(split), dtype=torch.int64)
    row[mine] = torch.arange(len(mine))

    for transform in transforms:
        for part, batch in batches(config, transform, mine, device):
            if interrupted():
                return None
            with autocast(config.precision, device):
                views = [_mean_over_places(module(crop)) for crop in crops(batch.images)]
            probabilities = torch.stack([view.float().softmax(1) for view in views]).mean(0)
            if is_averaged:  # with another transform, batches hold other images
                averaged[row[part]] += probabilities.cpu() / len(transforms)
            else:
                tally.add(probabilities, batch.targets)
            progress(len(part))

    if is_averaged:
        tally.add(averaged.to(device), split.labels[mine].to(device))
    return tally.result(processes, len(indices))


def batches(
    config: EvalConfig, transform: TestTransform, indices: Tensor, device: torch.device
) -> Iterator[tuple[Tensor, Batch]]:
    """Yield batches of images of one size, with the indices of their images; each index once."""
    groups = config.split.group_by_size(indices, transform)
    parts = [part for group in groups for part in group.split(config.batch_size)]
    draws = (IndexBatch(part, part) for part in parts)
    loaded = config.split.batches(draws, transform=transform, device=device, workers=config.workers)
    yield from zip(parts, loaded, strict=True)


def scales(network: Network) -> tuple[int, ...]:
    """Return the shorter sides of the multi-scale protocol for the network's input."""
    own = min(network.input.spatial)
    return tuple(round(scale * own / SCALES[0]) for scale in SCALES)


def ten_crops(images: Tensor, size: int) -> Iterator[Tensor]:
    """Yield the ten crops of Krizhevsky et al. 2012: corners, center, and their mirror images.

    Args:
        images: BxCxHxW.
        size: Height and width of the crops.
    """
    for side in (images, images.flip(3)):
        yield side[:, :, :size, :size]
        yield side[:, :, :size, -size:]
        yield side[:, :, -size:, :size]
        yield side[:, :, -size:, -size:]
        yield center_crop(side, size)


class _Tally:
    """Sums over images, on the device."""

    def __init__(self, classes: int, device: torch.device) -> None:
        self.confusion = torch.zeros(classes, classes, dtype=torch.int64, device=device)
        self.sums = torch.zeros(2, dtype=torch.float64, device=device)  # loss, top-5 correct

    def add(self, probabilities: Tensor, labels: Tensor) -> None:
        """Count images (Bxclasses, B)."""
        classes = probabilities.shape[1]
        best = probabilities.topk(min(5, classes)).indices
        pairs = labels * classes + best[:, 0]
        self.confusion += pairs.bincount(minlength=classes**2).view(classes, classes)
        right = probabilities.gather(1, labels[:, None])[:, 0].double()
        loss = -right.clamp_min(SMALLEST_PROBABILITY).log().sum()
        self.sums += torch.stack([loss, (best == labels[:, None]).sum()])

    def result(self, processes: Processes, total: int) -> Evaluation:
        loss, top5_correct = processes.all_reduce_sum(self.sums).tolist()
        confusion = processes.all_reduce_sum(self.confusion).cpu()
        assert int(confusion.sum()) == total, "an image was counted twice or not at all"
        return Evaluation(loss / total, round(top5_correct), confusion)


def _prepared(
    network: Network, weights: dict[str, Tensor], config: EvalConfig
) -> tuple[list[TestTransform], nn.Module]:
    """Return the transforms of a protocol, and the module that it evaluates."""
    from resspec.backends.module import build
    from resspec.passes.convolutional import convolutional

    transform = config.transform
    if config.protocol == "multi-scale":
        module = build(convolutional(network))
        shapes = {name: tensor.shape for name, tensor in module.state_dict().items()}
        weights = {name: tensor.view(shapes[name]) for name, tensor in weights.items()}
        updates: list[dict[str, int | None]] = [
            {"resize": scale, "crop": None} for scale in scales(network)
        ]
    else:
        module = build(network)
        updates = [{"crop": None} if config.protocol == "10-crop" else {}]
    module.load_state_dict(weights)
    return [transform.model_copy(update=update) for update in updates], module


def _mean_over_places(scores: Tensor) -> Tensor:
    """Return BxC scores, of a convolutional head the mean over its BxCxHxW places."""
    return scores.mean((2, 3)) if scores.dim() == 4 else scores
