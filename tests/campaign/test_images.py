"""Damaged image files: each is decoded or refused by name, and what passes inspection decodes."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from random import Random

import torch

from resspec.training.data.decode import UnreadableImage
from resspec.training.data.inspection import DamagedImage, inspect_files
from resspec.training.data.read_image import read_image
from resspec.training.recipes.images import DataConfig, RandomResizedCropConfig, TestTransform
from tests.campaign.progress import count_outcomes
from tests.train.data.pictures import damaged, good_files, written

GOOD = good_files()
VIEWS = (
    TestTransform(resize=20, crop=16),
    DataConfig(random_resized_crop=RandomResizedCropConfig(size=16), draft=True),
)


def test_damaged_images_are_decoded_or_named() -> None:
    score = count_outcomes("images", 23_000, examined)
    assert score["files"] == 23_000
    assert score["shown"] > 1000 and score["refused"] > 1000, score


def examined(seed: int, folder: Path) -> Counter[str]:
    rng = Random(seed)
    name = rng.choice(sorted(GOOD))
    path = written(folder, f"{seed}-{name}", damaged(GOOD[name], rng))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (verified,) = inspect_files(folder, [path.name], decode=True, exif="upright")
        (glanced,) = inspect_files(folder, [path.name], decode=False, exif="upright")
        output = shown(path, TestTransform())
        others = [shown(path, view) for view in VIEWS]
    if isinstance(output, str):
        assert isinstance(verified, DamagedImage), (name, seed, output)
        assert verified.path == path and verified.why in output
    else:
        assert verified == output == glanced, (name, seed, verified, output, glanced)
    assert all((isinstance(output, str)) == isinstance(other, str) for other in others), (
        name,
        seed,
        output,
        others,
    )
    missed = isinstance(output, str) and not isinstance(glanced, DamagedImage)
    kind = path.suffix[1:]
    result = "refused" if isinstance(output, str) else "shown"
    return Counter(
        {
            result: 1,
            f"{kind} {result}": 1,
            f"{kind} refused, and its header and end were good": missed,
        }
    )


def shown(path: Path, view: TestTransform | DataConfig) -> tuple[int, int] | str:
    """Height and width, or why it cannot be."""
    try:
        pixels = read_image(path, torch.tensor([7]), view)
    except UnreadableImage as broken:
        assert str(broken).startswith(f"{path} cannot be read: ")
        assert len(broken.why.strip()) > 3 and "\n" not in broken.why, broken.why
        return str(broken)
    assert pixels.dtype == torch.uint8 and pixels.shape[0] == 3
    height, width = pixels.shape[1:]
    return height, width
