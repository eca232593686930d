"""Folders of small images, and what the checks say of training on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from resspec.compiler import load
from resspec.diagnostics import Diagnostic, SpecError
from resspec.training import data, preflight, recipe_file
from resspec.training.plan import Job
from tests.train.small import ALONE

SPEC = """\
network tiny {
    input 3x32x32
    stem conv 3x3, 8, /2 -> bn -> relu -> conv 3x3, 16, /2 -> bn -> relu
    head avgpool -> fc 2
}
"""
RECIPE = """\
epochs: 1
batch_size: 8
optimizer: {name: sgd, lr: 0.1}
data: {random_resized_crop: {size: 32}, test: {resize: 36, crop: 32}}
precision: fp32
"""

Size = tuple[int, int]  # height and width


def image(path: Path, size: Size, level: int = 100) -> Path:
    """Write an image of noise, the darker the lower the level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(level).integers(level, level + 50, (*size, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


def pictures(folder: Path, sizes: Mapping[str, list[Size]]) -> Path:
    """Make a folder of two classes; `sizes` of the images in each class of `train` and `val`."""
    for part, its_sizes in sizes.items():
        for level, name in ((40, "cat"), (180, "dog")):
            for number, size in enumerate(its_sizes):
                image(folder / part / name / f"{number}.png", size, level)
    return folder


def plain(folder: Path, size: Size = (40, 48)) -> Path:
    return pictures(folder, {"train": [size] * 6, "val": [size] * 2})


def job(folder: Path, images: Path, recipe: str = RECIPE, spec: str = SPEC, **more: Any) -> Job:
    """Return the job of a spec and a recipe, written into the folder."""
    (folder / "tiny.res").write_text(spec, encoding="utf-8")
    (folder / "tiny.yaml").write_text(recipe, encoding="utf-8")
    written = recipe_file.read(str(folder / "tiny.yaml"))
    found = data.load(str(images), normalize=written.recipe.data.normalize)
    return Job(load(folder / "tiny.res"), written.recipe, found, written=written, **more)


def mistakes(wanted: Job, run: Path) -> tuple[list[Diagnostic], list[str]]:
    """Return what the checks find before training, and what they note."""
    notes: list[str] = []
    try:
        preflight.require([preflight.of_job(wanted, run, ALONE)], tell=notes.append)
    except SpecError as error:
        return list(error.diagnostics), notes
    return [], notes
