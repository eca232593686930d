"""A folder of photographs as people have them, small: dark cats and light dogs, which a few steps
tell apart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from resspec.compiler import load
from resspec.training import data, recipe_file, trainer
from resspec.training.output.progress import Show
from resspec.training.plan import Job, Plan
from resspec.training.trainer import Result
from tests.train.small import ALONE

SPEC = """
network tiny {
    input 3x32x32
    stem conv 3x3, 8, /2 -> bn -> relu -> conv 3x3, 16, /2 -> bn -> relu
    head avgpool -> fc 2
}
"""
RECIPE = """
epochs: 1
batch_size: 8
optimizer: {name: sgd, lr: 0.05, momentum: 0.9}
data: {random_resized_crop: {size: 32}, test: {resize: 36, crop: 32}}
log: 1
"""


def draw_pets(
    folder: Path, classes: tuple[str, ...] = ("cat", "dog"), train: int = 10, test: int = 4
) -> Path:
    """JPEGs of 48x40 in `train` and `val`; the first class is the darkest."""
    draw = np.random.default_rng(0)
    for part, count in (("train", train), ("val", test)):
        for number, name in enumerate(classes):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            middle = 60 + 130 * number / max(len(classes) - 1, 1)
            for i in range(count):
                pixels = draw.normal(middle, 25, (40, 48, 3)).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{i}.jpg", quality=90)
    return folder


def lay_out(folder: Path) -> Path:
    """The spec, the recipe, and the pictures in `d`."""
    (folder / "tiny.res").write_text(SPEC, encoding="utf-8")
    (folder / "tiny.yaml").write_text(RECIPE, encoding="utf-8")
    draw_pets(folder / "d")
    return folder


def command(*more: str, run: str = "r") -> list[str]:
    """What follows `resspec`."""
    return ["train", "tiny.res", "--recipe", "tiny.yaml", "--data", "d", "--run", run, *more]


def plan(folder: Path, *settings: str, run: str = "r", **other: Any) -> Plan:
    pairs = [(name, value) for name, _, value in (setting.partition("=") for setting in settings)]
    recipe = recipe_file.load(str(folder / "tiny.yaml"), pairs)
    images = data.load(str(folder / "d"), normalize=recipe.data.normalize)
    job = Job(load(folder / "tiny.res"), recipe, images, **other)
    return trainer.planned(job, folder / run, ALONE)


def train(
    folder: Path,
    *settings: str,
    run: str = "r",
    show: Show | None = None,
    say: Callable[[str], None] = lambda _: None,
    **other: Any,
) -> Result:
    made = plan(folder, *settings, run=run, **other)
    return trainer.train(made, folder / run, show=show or Show(), say=say)


class At(Show):
    """Does something before one of the steps, counted from 0."""

    def __init__(self, step: int, act: Callable[[], object]) -> None:
        self._at, self._act = step, act

    def stepped(self, step: int, waited: float) -> None:
        super().stepped(step, waited)
        if step == self._at:
            self._act()


def cut(path: Path, length: int = 500) -> None:
    """A file as a download that broke off leaves it."""
    path.write_bytes(path.read_bytes()[:length])


def mend(path: Path) -> None:
    """Another picture in its place, of another size."""
    Image.new("RGB", (48, 40), (70, 60, 50)).save(path, quality=60)
