"""Predicted sizes are those that the transforms give, and exactly what fails is rejected."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from resspec.diagnostics import UsageError
from resspec.training.data import IndexBatch
from resspec.training.data.dataset import Transform
from resspec.training.data.memory import InMemory
from resspec.training.data.output_sizes import Size, UnsuitableSize, output_sizes
from resspec.training.data.pixel_stats import measure
from resspec.training.data.read_image import read_image
from resspec.training.recipes.images import DataConfig, TestTransform
from tests.train.preflight.folders import image

KEYS = torch.arange(60)


def random_view(rng: Random) -> Transform:
    """Transforms that a recipe may hold, most of them too small or too large for something."""
    while True:
        resize, crop = (rng.choice([None, rng.randrange(1, 40)]) for _ in range(2))
        if rng.random() < 0.3:
            return TestTransform(resize=resize, crop=crop)
        low = rng.randrange(1, 20)
        given: dict[str, Any] = {
            "resize": rng.choice([None, resize, (low, low + rng.randrange(3))]),
            rng.choice(["padding", "shift"]): rng.choice([0, 0, rng.randrange(1, 12)]),
            "padding_mode": rng.choice(["zeros", "reflect"]),
            "crop": crop,
        }
        if rng.random() < 0.1:
            given["random_resized_crop"] = {"size": rng.randrange(1, 40)}
        try:
            return DataConfig.model_validate(given)
        except ValidationError:
            continue


def expected_size(view: Transform, size: Size, *, keeps_size: bool) -> set[Size] | None:
    try:
        return set(output_sizes(view, size, keeps_size=keeps_size))
    except UnsuitableSize:
        return None


@pytest.mark.parametrize("seed", range(60))
def test_sizes_of_images_in_folders(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    size = rng.randrange(1, 30), rng.randrange(1, 30)
    view, path = random_view(rng), image(tmp_path / "one.png", size)
    try:
        found = {tuple(read_image(path, key[None], view).shape[1:]) for key in KEYS}
    except (UsageError, RuntimeError, NotImplementedError):
        found = None
    assert expected_size(view, size, keeps_size=False) == found, (view, size)


@pytest.mark.parametrize("seed", range(60))
def test_sizes_of_images_in_memory(seed: int) -> None:
    rng = Random(seed)
    size = rng.randrange(1, 30), rng.randrange(1, 30)
    view = random_view(rng)
    images = torch.randint(0, 256, (4, 3, *size), dtype=torch.uint8)
    split = InMemory(images, torch.arange(4), measure(images), 4, torch.arange(4))
    draw = IndexBatch(KEYS % 4, KEYS)
    try:
        (batch,) = split.batches([draw], transform=view, device=torch.device("cpu"))
        found = {tuple(batch.images.shape[2:])}
    except (UsageError, RuntimeError, NotImplementedError):
        found = None
    predicted = expected_size(view, size, keeps_size=True)
    if (
        predicted is None
        and isinstance(view, DataConfig)
        and isinstance(view.resize, tuple)
        and found
    ):
        return  # a window partly outside of the resized image repeats pixels
    assert predicted == found, (view, size)
