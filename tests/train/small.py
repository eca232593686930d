"""Runs that take seconds: a network of a few layers on the digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from resspec.compiler import load
from resspec.ir.network import Network
from resspec.training import data, recipe_file, trainer
from resspec.training.distributed.processes import Processes
from resspec.training.output.progress import shown
from resspec.training.plan import Job, Plan
from resspec.training.run import record
from resspec.training.trainer import Result

ALONE = Processes(0, 1, torch.device("cpu"))

SPEC = """
block unit(width) {
    residual conv 3x3, width -> bn -> drop_path 0.2
    shortcut identity
    after relu
}

network tiny {
    input 1x8x8
    stem conv 3x3, 4, /2 -> bn -> relu
    stage body: unit 4
    head avgpool -> dropout 0.1 -> fc 10
}
"""


def tiny(folder: Path) -> Network:
    """A network in which chance plays a part."""
    path = folder / "tiny.res"
    path.write_text(SPEC, encoding="utf-8")
    return load(path)


def job(network: Network, *settings: str, seed: int = 0, **other: Any) -> Job:
    """With the recipe of the digits, and `settings` such as `"lr=0.2"`."""
    pairs = [(name, value) for name, _, value in (setting.partition("=") for setting in settings)]
    recipe = recipe_file.load("digits", pairs)
    return Job(network, recipe, data.load("digits", normalize=recipe.data.normalize), seed, **other)


def train(network: Network, run: Path, *settings: str, seed: int = 0, **other: Any) -> Result:
    wanted = job(network, *settings, seed=seed, **other)
    return trainer.train(trainer.planned(wanted, run, ALONE), run, show=shown(visible=False))


def begun(folder: Path, **more: Any) -> Path:
    """A folder of a run that has only just begun, by hand: what `run.json` has to say."""
    facts = {
        "network": "small",
        "hash": "0123456789abcdef",
        "seed": 4,
        "steps": 30,
        "weights": None,
        "data": {"name": "digits", "classes": list("0123456789"), "train": "00", "test": "11"},
        "recipe": {"batch_size": 8, "data": {"test": {}}},
        "machine": {"device": "cpu", "processes": 1},
        "preprocessing": {},
    }
    folder.mkdir(parents=True, exist_ok=True)
    record.begin(
        folder, {**facts, **more}, "network small { input 1x8x8; head fc 10 }", "batch_size: 8\n"
    )
    return folder


def plan(wanted: Job, run: Path) -> Plan:
    return trainer.planned(wanted, run, ALONE)
