"""What turns an image file into what a trained network reads, as JSON that needs no resspec to be followed.

    input           CxHxW that the network reads; C is 1 for gray images, 3 for RGB
    exif            "upright": turn the image as its EXIF orientation says; "ignore": as stored
    resize          the shorter side is brought to so many pixels, the other one in proportion, rounded down; null: as it is
    interpolation   Pillow's filter for it
    crop            the square in the center, of so many pixels; null: the whole image
    mean, std       of each channel, for values in 0 .. 1: (value - mean) / std
    mean_image      CxHxW in place of `mean`, of an image as it is stored, resized and cropped as the image is; null: none

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
from resspec.training.recipe import DataConfig, Recipe, TestTransform
from resspec.training.run.sealed import DamagedFile

WHITE = 255


def preprocessing(job: Job) -> dict[str, Any]:
    """Return how a job's test images are shown to its network."""
    return {
        "input": list(job.network.input.dims),
        **shown(job.recipe.data),
        **constants(job.data.stats),
    }


def shown(recipe: DataConfig) -> dict[str, Any]:
    """Return how test images are cut to size."""
    test = recipe.test
    return {
        "exif": recipe.exif,
        "resize": test.resize,
        "interpolation": test.interpolation,
        "crop": test.crop,
    }


def constants(stats: PixelStats) -> dict[str, Any]:
    """Return what images are normalized with."""
    of_channels = stats.normalize == "channel"
    of_pixels = not of_channels and stats.mean_image[0].numel() > 1
    std = stats.std if of_channels else stats.std.mean().expand(len(stats.std))
    return {
        "mean": None
        if of_pixels
        else _shares(stats.mean if of_channels else stats.mean_image.flatten()),
        "std": _shares(std),
        "mean_image": _shares(stats.mean_image) if of_pixels else None,
    }


def checked(found: Any) -> dict[str, Any]:
    """Return what a file says of preprocessing, once it is known to be that. Raises DamagedFile."""
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
    """Raises ValueError, TypeError."""
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
    """Return a recipe that shows test images as a run did, which says this of its preprocessing."""
    test = TestTransform.model_validate({name: found[name] for name in TestTransform.model_fields})
    data = recipe.data.model_copy(update={"test": test, "exif": found["exif"]})
    return recipe.model_copy(update={"data": data})


def normalized_as(found: Mapping[str, Any], data: Dataset) -> Dataset:
    """Return a data set whose test images are normalized as a run's were.

    Args:
        found: What a run says of its preprocessing.
        data: A data set that measured constants of its own.
    """
    names = ("mean", "std", "mean_image")
    if all(found[name] == constants(data.stats)[name] for name in names):
        return data
    stats = _stats(found)
    return replace(data, stats=stats, test=_with(data.test, stats))


def _with(split: Split, stats: PixelStats) -> Split:
    match split:
        case InFolders() | InMemory():
            return replace(split, stats=stats)
        case _:
            raise AssertionError(type(split))


def _stats(found: Mapping[str, Any]) -> PixelStats:
    """Return the statistics to normalize with; the axes of the colors, which only training needs, are 0."""
    std = _stored(found["std"])
    axes = torch.zeros(len(std), len(std))
    if found["mean_image"] is not None:
        pixels = _stored(found["mean_image"])
        return PixelStats(pixels.mean((1, 2)), std, pixels, axes, "pixel-mean")
    mean = _stored(found["mean"])
    return PixelStats(mean, std, mean.view(-1, 1, 1), axes, "channel")


def _stored(shares: Any) -> Tensor:
    """Return shares of white in the unit of stored pixels."""
    return torch.tensor(shares, dtype=torch.float32) * WHITE


def _shares(values: Tensor) -> Any:
    """Return stored values as shares of white, as deep a list as the tensor is; 0.485 and not 0.48500001430511475."""
    if values.dim():
        return [_shares(value) for value in values]
    share = np.float32(values.item()) / np.float32(WHITE)
    return float(str(share))
