"""A trained network with all that it takes to use it: transform, classes, predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.training import weights
from resspec.training.data.crop import crop_test_images
from resspec.training.data.decode import UnreadableImage
from resspec.training.data.pixel_stats import PixelStats
from resspec.training.data.read_image import read_image
from resspec.training.evaluate import ten_crops
from resspec.training.recipes.images import TestTransform
from resspec.training.run import ended, record
from resspec.training.weights import metadata
from resspec.training.weights.preprocessing import stats_of

BATCH = 64  # images at a time


@dataclass(frozen=True)
class Prediction:
    """One class of an image, with its probability from 0 to 1.

    Attributes:
        label: The name of the class.
        index: Its place in the scores.
        probability: Its probability.
    """

    label: str
    index: int
    probability: float


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained network with its transform and its classes.

    Attributes:
        network: The network.
        model: Its module with the trained weights, in eval mode.
        classes: The names of the classes, in the order of the scores.
        preprocessing: How an image becomes the network's input, as in the run's `run.json`.
        note: Which weights these are, where the run has not finished.
    """

    network: Network
    model: nn.Module
    classes: tuple[str, ...]
    preprocessing: dict[str, Any]
    note: str | None = None

    def transform(self, image: str | Path) -> Tensor:
        """Return an image file as the network reads it: float32, CxHxW.

        Raises:
            UsageError: The file is not an image, or cannot be read.
        """
        return self._normalized(self._pixels(Path(image), self._resized))

    @torch.no_grad()
    def predict(
        self, images: Iterable[str | Path], *, top_k: int = 1, tta: bool = False
    ) -> list[list[Prediction]]:
        """Return the most probable classes of each image, the most probable first.

        Args:
            images: Image files.
            top_k: How many classes.
            tta: Whether the probabilities of the center, the corners, and their mirror images are
                averaged.

        Raises:
            UsageError: A file is not an image, or cannot be read.
        """
        views = (self._views(path) if tta else self.transform(path)[None] for path in images)
        found: list[list[Prediction]] = []
        for _, of_one_size in groupby(views, key=lambda view: view.shape):
            found += self._classified(of_one_size, top_k)
        return found

    def _classified(self, views: Iterable[Tensor], top_k: int) -> Iterator[list[Prediction]]:
        waiting: list[Tensor] = []
        for view in views:
            waiting.append(view)
            if sum(map(len, waiting)) >= BATCH:
                yield from self._batch(waiting, top_k)
                waiting = []
        if waiting:
            yield from self._batch(waiting, top_k)

    def _batch(self, views: list[Tensor], top_k: int) -> Iterator[list[Prediction]]:
        """Yield the predictions of images, each given as its views."""
        device = next((each.device for each in self.model.parameters()), torch.device("cpu"))
        scores = self.model(torch.cat(views).to(device)).flatten(1).float()
        shares = scores.softmax(1).view(len(views), len(views[0]), -1).mean(1)
        best = shares.topk(min(top_k, shares.shape[1]))
        for values, indices in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            yield [
                Prediction(self.classes[index], index, value)
                for value, index in zip(values, indices, strict=True)
            ]

    @property
    def _resized(self) -> TestTransform:
        """The transform of test images; where it keeps their size, to the size of the input."""
        known = TestTransform.model_fields
        found = TestTransform.model_validate({name: self.preprocessing[name] for name in known})
        if found.resize or found.crop:
            return found
        side = min(self.network.input.spatial)
        return found.model_copy(update={"resize": side, "crop": side})

    def _pixels(self, path: Path, transform: TestTransform) -> Tensor:
        key = torch.zeros(1, dtype=torch.int64)
        channels = 1 if self.network.input.channels == 1 else 3
        try:
            return read_image(path, key, transform, self.preprocessing["exif"], channels)
        except UnreadableImage as error:
            raise UsageError(str(error), "E0514") from None

    def _normalized(self, pixels: Tensor) -> Tensor:
        stats = self._stats
        means = None
        if stats.normalize == "pixel-mean" and stats.mean_image[0].numel() > 1:
            means = crop_test_images(stats.mean_image, self._resized)
        return stats.normalized(pixels.float(), means)

    @property
    def _stats(self) -> PixelStats:
        return stats_of(self.preprocessing)

    def _views(self, path: str | Path) -> Tensor:
        """Return the center and the corners of an image, and their mirror images."""
        transform = self._resized
        side = transform.crop
        whole = self._pixels(Path(path), transform.model_copy(update={"crop": None}))
        pixels = whole[None]
        crops = [pixels, pixels.flip(3)] if side is None else list(ten_crops(pixels, side))
        return self._normalized(torch.cat(crops))


def opened(path: Path) -> TrainedModel:
    """Return the trained network of a run, or of a weights file that a run wrote.

    Raises:
        UsageError: It is neither, or it is damaged.
    """
    if record.is_run(path):
        return _of_run(path)
    if path.is_dir() or not path.exists():
        problem = f"{path} is not the folder of a run{record.runs_near(path)}"
        raise UsageError(f"{problem}; a run's weights.safetensors can be given too", "E0603")
    return _of_file(path)


def _of_run(run: Path) -> TrainedModel:
    found = ended.load(run, unfinished=True)
    note = None
    if found.step is not None:
        of_step = f"these are the weights of step {found.step:,} of {found.facts['steps']:,}"
        note = f"{run} is unfinished: {of_step}"
    classes = tuple(found.facts["data"]["classes"])
    return _made(found.network, found.weights, classes, found.facts["preprocessing"], note)


def _of_file(path: Path) -> TrainedModel:
    found = weights.read(path)
    classes, preprocessing = metadata.classes(found), metadata.preprocessing_of(found)
    if classes is None or preprocessing is None or "spec" not in found.metadata:
        lacking = f"{path} does not contain its network, classes and preprocessing"
        raise UsageError(f"{lacking}; pass the folder of a run, or its weights.safetensors")
    return _made(metadata.network_of(found), found, tuple(classes), preprocessing, None)


def _made(
    network: Network,
    found: weights.LoadedWeights,
    classes: tuple[str, ...],
    preprocessing: dict[str, Any],
    note: str | None,
) -> TrainedModel:
    module = build(network)
    found.into(module)
    return TrainedModel(network, module.eval(), classes, preprocessing, note)
