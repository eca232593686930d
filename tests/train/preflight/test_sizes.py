"""The sizes that are foretold are those that the transforms give, and what is refused is what fails."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from resspec.diagnostics import UsageError
from resspec.train.data import Draw
from resspec.train.data.dataset import View
from resspec.train.data.memory import InMemory
from resspec.train.data.moments import measured
from resspec.train.data.picture import picture
from resspec.train.data.sizes import DoesNotSuit, Size, sizes_after
from resspec.train.recipe import Data, Test
from tests.train.preflight.folders import image

KEYS = torch.arange(60)


def random_view(chance: Random) -> View:
    """Transforms that a recipe may hold, most of them too small or too large for something."""
    while True:
        resize, crop = (chance.choice([None, chance.randrange(1, 40)]) for _ in range(2))
        if chance.random() < 0.3:
            return Test(resize=resize, crop=crop)
        low = chance.randrange(1, 20)
        given: dict[str, Any] = {
            "resize": chance.choice([None, resize, (low, low + chance.randrange(3))]),
            chance.choice(["pad", "shift"]): chance.choice([0, 0, chance.randrange(1, 12)]),
            "padding": chance.choice(["zeros", "reflect"]),
            "crop": crop,
        }
        if chance.random() < 0.1:
            given["random_resized"] = {"size": chance.randrange(1, 40)}
        try:
            return Data.model_validate(given)
        except ValidationError:
            continue


def foretold(view: View, size: Size, *, keeps_size: bool) -> set[Size] | None:
    try:
        return set(sizes_after(view, size, keeps_size=keeps_size))
    except DoesNotSuit:
        return None


@pytest.mark.parametrize("seed", range(60))
def test_sizes_of_images_in_folders(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    size = chance.randrange(1, 30), chance.randrange(1, 30)
    view, path = random_view(chance), image(tmp_path / "one.png", size)
    try:
        found = {tuple(picture(path, key[None], view).shape[1:]) for key in KEYS}
    except (UsageError, RuntimeError, NotImplementedError):
        found = None
    assert foretold(view, size, keeps_size=False) == found, (view, size)


@pytest.mark.parametrize("seed", range(60))
def test_sizes_of_images_in_memory(seed: int) -> None:
    chance = Random(seed)
    size = chance.randrange(1, 30), chance.randrange(1, 30)
    view = random_view(chance)
    images = torch.randint(0, 256, (4, 3, *size), dtype=torch.uint8)
    split = InMemory(images, torch.arange(4), measured(images), 4, torch.arange(4))
    draw = Draw(KEYS % 4, KEYS)
    try:
        (batch,) = split.batches([draw], view=view, device=torch.device("cpu"))
        found = {tuple(batch.images.shape[2:])}
    except (UsageError, RuntimeError, NotImplementedError):
        found = None
    told = foretold(view, size, keeps_size=True)
    if told is None and isinstance(view, Data) and isinstance(view.resize, tuple) and found:
        return  # a window that is partly outside of the resized image is drawn all the same, of repeated pixels
    assert told == found, (view, size)
