"""The preprocessing from an image file to the input of a network, as JSON for use without resspec.

    input           CxHxW that the network reads; C is 1 for gray images, 3 for RGB
    exif            "upright": turn the image as its EXIF orientation says; "ignore": as stored
    resize          the shorter side in pixels, the other in proportion, rounded down; null: none
    interpolation   Pillow's filter for it
    crop            the square in the center, of so many pixels; null: the whole image
    mean, std       of each channel, for values in 0 .. 1: (value - mean) / std
    mean_image      CxHxW in place of `mean`, of the stored size, to be resized and cropped as the
                    image; null: none

These are torchvision's `Resize`, `CenterCrop`, and `Normalize`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from resspec.training.data import Dataset, PixelStats, Split
from resspec.training.data.folder import InFolders
from resspec.training.data.memory import InMemory
from resspec.training.plan import Job
from resspec.training.recipe import Recipe
from resspec.training.recipes.images import DataConfig, TestTransform
from resspec.training.run.sealed import DamagedFile

WHITE = 255


def preprocessing(job: Job) -> dict[str, Any]:
    """Return the preprocessing of a job's test images."""
    return {
        "input": list(job.network.input.dims),
        **shown(job.recipe.data),
        **constants(job.data.stats),
    }


def shown(recipe: DataConfig) -> dict[str, Any]:
    """Return the resize and crop of test images."""
    test = recipe.test
    return {
        "exif": recipe.exif,
        "resize": test.resize,
        "interpolation": test.interpolation,
        "crop": test.crop,
    }


def constants(stats: PixelStats) -> dict[str, Any]:
    """Return the statistics that images are normalized with."""
    of_channels = stats.normalize == "channel"
    of_pixels = not of_channels and stats.mean_image[0].numel() > 1
    std = stats.std if of_channels else stats.std.mean().expand(len(stats.std))
    if of_pixels:
        return {"mean": None, "std": _shares(std), "mean_image": _shares(stats.mean_image)}
    mean = stats.mean if of_channels else stats.mean_image.flatten()
    return {"mean": _shares(mean), "std": _shares(std), "mean_image": None}


def checked(found: Any) -> dict[str, Any]:
    """Return the preprocessing in a file after checking it; raise DamagedFile."""
    if not isinstance(found, dict):
        raise DamagedFile("it is not a JSON object")
    try:
        TestTransform.model_validate({name: found[name] for name in TestTransform.model_fields})
        DataConfig.model_validate({"exif": found["exif"]})
        channels = int(found["input"][0])
        _check_constants(found, channels)
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        raise DamagedFile("it does not say how images are preprocessed") from None
    return found


def _check_constants(found: Mapping[str, Any], channels: int) -> None:
    """Check the statistics; raise ValueError or TypeError."""
    if _stored(found["std"]).shape != (channels,):
        raise ValueError
    mean, image = found["mean"], found["mean_image"]
    if (mean is None) == (image is None):
        raise ValueError
    if mean is not None and _stored(mean).shape != (channels,):
        raise ValueError
    if image is not None and (_stored(image).dim() != 3 or len(image) != channels):
        raise ValueError


def shown_as(found: Mapping[str, Any], recipe: Recipe) -> Recipe:
    """Return a recipe that transforms test images as the run of this preprocessing."""
    test = TestTransform.model_validate({name: found[name] for name in TestTransform.model_fields})
    data = recipe.data.model_copy(update={"test": test, "exif": found["exif"]})
    return recipe.model_copy(update={"data": data})


def normalized_as(found: Mapping[str, Any], data: Dataset) -> Dataset:
    """Return a data set whose test images are normalized as those of a run.

    Args:
        found: The preprocessing of the run.
        data: The data set, which has statistics of its own.
    """
    names = ("mean", "std", "mean_image")
    if all(found[name] == constants(data.stats)[name] for name in names):
        return data
    stats = stats_of(found)
    return replace(data, stats=stats, test=_with(data.test, stats))


def _with(split: Split, stats: PixelStats) -> Split:
    assert isinstance(split, InFolders | InMemory)
    return replace(split, stats=stats)


def stats_of(found: Mapping[str, Any]) -> PixelStats:
    """Return the statistics to normalize with; the color axes, for training only, are 0."""
    std = _stored(found["std"])
    axes = torch.zeros(len(std), len(std))
    if found["mean_image"] is not None:
        pixels = _stored(found["mean_image"])
        return PixelStats(pixels.mean((1, 2)), std, pixels, axes, "pixel-mean")
    mean = _stored(found["mean"])
    return PixelStats(mean, std, mean.view(-1, 1, 1), axes, "channel")


def _stored(shares: Any) -> Tensor:
    """Return values in 0..1 in the unit of stored pixels."""
    return torch.tensor(shares, dtype=torch.float32) * WHITE


def _shares(values: Tensor) -> Any:
    """Return stored values in 0..1 as nested lists; 0.485, not 0.48500001430511475."""
    if values.dim():
        return [_shares(value) for value in values]
    share = np.float32(values.item()) / np.float32(WHITE)
    return float(str(share))
