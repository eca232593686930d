"""How good a network is on images that it has not seen, by the protocols of the papers; each image counts once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal
from typing import Protocol as Interface

import torch
from torch import Tensor, nn

from resspec.ir.network import Network
from resspec.training.data import Batch, IndexBatch, Split
from resspec.training.data.crop import center_crop
from resspec.training.recipe import TestTransform

Protocol = Literal["1-crop", "10-crop", "multi-scale"]
PROTOCOLS: dict[Protocol, str] = {
    "1-crop": "the centre, as the recipe shows test images",
    "10-crop": "four corners and the centre, each with its mirror image; softmax averaged",
    "multi-scale": "the whole image and its mirror image, the head made convolutional, at five sizes; softmax averaged",
}
TEST_BATCH = 256  # images of a batch while a run is tested
SCALES = (
    224,
    256,
    384,
    480,
    640,
)  # He et al. 2015, section 4.1; of a network that reads 224 pixels


@dataclass(frozen=True, eq=False)
class Evaluation:
    """`confusion`: how many images of each class (rows) were taken for each (columns). `loss` is the mean of -log p of the
    right class; errors are shares of all images."""

    loss: float
    hits5: int
    confusion: Tensor

    @property
    def total(self) -> int:
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        return int(self.confusion.diagonal().sum())

    @property
    def top1_error(self) -> float:
        return 1 - self.correct / self.total

    @property
    def top5_error(self) -> float:
        return 1 - self.hits5 / self.total


class Together(Interface):
    """The processes that share the work."""

    @property
    def rank(self) -> int: ...
    @property
    def world(self) -> int: ...
    @property
    def device(self) -> torch.device: ...
    def sum(self, values: Tensor) -> Tensor:
        """Of all of them."""


@dataclass(frozen=True, eq=False)
class Exam:
    """What is asked: all images of `split`, loaded as `view` says, `batch` at a time; `bf16`: computed in bfloat16 where
    that is safe."""

    split: Split
    view: TestTransform
    protocol: Protocol = "1-crop"
    batch: int = 64
    workers: int = 0
    bf16: bool = False


@torch.no_grad()
def evaluate(
    network: Network,
    weights: dict[str, Tensor],
    exam: Exam,
    processes: Together,
    shown: Callable[[int], None] = lambda _: None,
) -> Evaluation:
    """The images are shared among the processes; `shown` is told how many of one pass each batch has been. Raises UsageError
    where the protocol cannot be applied to this network or these images."""
    split, device = exam.split, processes.device
    views, module = _prepared(network, weights, exam)
    module.to(device).eval()
    mine = torch.arange(len(split))[processes.rank :: processes.world]
    scores = torch.zeros(len(mine), network.output.elements, device=device)
    for view in views:
        for part, batch in looked_at(exam, view, mine, device):
            looks = list(_looks(batch.images, network, exam.protocol))
            with torch.autocast(device.type, torch.bfloat16, enabled=exam.bf16):
                found = torch.stack(
                    [_places(module(look)).float().softmax(1) for look in looks]
                ).mean(0)
            scores[((part - processes.rank) // processes.world).to(device)] += found / len(views)
            shown(len(part))
    return _counted(scores, split.labels[mine].to(device), processes, len(split))


def looked_at(
    exam: Exam, view: TestTransform, mine: Tensor, device: torch.device
) -> Iterator[tuple[Tensor, Batch]]:
    """These images of the exam's, each once, in batches of one size: which they are, and the batch."""
    parts = [
        part for group in exam.split.group_by_size(mine, view) for part in group.split(exam.batch)
    ]
    draws = (IndexBatch(part, part) for part in parts)
    yield from zip(
        parts,
        exam.split.batches(draws, transform=view, device=device, workers=exam.workers),
        strict=True,
    )


def scales(network: Network) -> tuple[int, ...]:
    """The shorter sides of the paper, in proportion for a network that reads smaller pictures."""
    own = min(network.input.spatial)
    return tuple(round(scale * own / SCALES[0]) for scale in SCALES)


def ten_crops(images: Tensor, size: int) -> Iterator[Tensor]:
    """Krizhevsky et al. 2012: four corners and the centre of BxCxHxW, and their mirror images."""
    for side in (images, images.flip(3)):
        yield side[:, :, :size, :size]
        yield side[:, :, :size, -size:]
        yield side[:, :, -size:, :size]
        yield side[:, :, -size:, -size:]
        yield center_crop(side, size)


def _prepared(
    network: Network, weights: dict[str, Tensor], exam: Exam
) -> tuple[list[TestTransform], nn.Module]:
    """How images are loaded, and what looks at them."""
    from resspec.backends.module import build
    from resspec.passes.convolutional import convolutional

    view = exam.view
    if exam.protocol != "multi-scale":
        module = build(network)
        module.load_state_dict(weights)
        return [
            view if exam.protocol == "1-crop" else view.model_copy(update={"crop": None})
        ], module
    module = build(convolutional(network))
    wanted = module.state_dict()
    module.load_state_dict(
        {name: tensor.view(wanted[name].shape) for name, tensor in weights.items()}
    )
    return [
        view.model_copy(update={"resize": scale, "crop": None}) for scale in scales(network)
    ], module


def _looks(images: Tensor, network: Network, protocol: Protocol) -> Iterable[Tensor]:
    match protocol:
        case "1-crop":
            return (images,)
        case "10-crop":
            return ten_crops(images, min(network.input.spatial))
        case "multi-scale":
            return images, images.flip(3)


def _places(scores: Tensor) -> Tensor:
    """The mean over all places of a network that leaves scores of places."""
    return scores.mean((2, 3)) if scores.dim() == 4 else scores


def _counted(scores: Tensor, labels: Tensor, processes: Together, total: int) -> Evaluation:
    classes = scores.shape[1]
    best = scores.topk(min(5, classes)).indices
    confusion = (
        (labels * classes + best[:, 0]).bincount(minlength=classes * classes).view(classes, classes)
    )
    right = scores.gather(1, labels[:, None])[:, 0].double().clamp_min(1e-45)
    sums = torch.stack([-right.log().sum(), (best == labels[:, None]).sum().double()])
    loss, hits5 = processes.sum(sums).tolist()
    found = processes.sum(confusion).cpu()
    assert int(found.sum()) == total, "an image was counted twice or not at all"
    return Evaluation(loss / total, round(hits5), found)
