"""What a run is before its first step: everything that is asked for and decided, and nothing that changes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from resspec.backends.module import build
from resspec.diagnostics import SpecError, UsageError
from resspec.ir.fingerprint import fingerprint
from resspec.ir.nodes import Network
from resspec.train import data as datasets
from resspec.train import errors, recipe_file
from resspec.train.data import Dataset
from resspec.train.machine import Machine
from resspec.train.order import Order
from resspec.train.processes import Processes
from resspec.train.recipe import Recipe
from resspec.train.share import share
from resspec.train.weights import Given


@dataclass(frozen=True)
class Job:
    """What is asked for. `weights`: where it starts, in place of random ones."""

    network: Network
    recipe: Recipe
    data: Dataset
    seed: int = 0
    weights: Given | None = None
    workers: int = 0

    def __post_init__(self) -> None:
        if found := tuple(errors.misfits(self.network, self.data, self.recipe)):
            raise SpecError(found)
        if not 0 <= self.seed < 1 << 63:
            raise UsageError(f"a seed is a whole number from 0 to 2^63 - 1, not {self.seed}")
        if self.recipe.holdout and not len(self.images[1]):
            told = f"`holdout: {self.recipe.holdout:g}` of {len(self.data.train):,} images is not one; a larger share is"
            raise UsageError(told, "E0507")
        if self.weights:
            with torch.random.fork_rng(devices=[]):
                self.weights.fitting(build(self.network))

    @cached_property
    def images(self) -> tuple[Tensor, Tensor]:
        """Of the training part the indices that are trained on, and those kept apart."""
        if not self.recipe.holdout:
            return torch.arange(len(self.data.train)), torch.arange(0)
        return datasets.held_out(self.data.train.labels, self.recipe.holdout)

    @property
    def facts(self) -> dict[str, Any]:
        """What makes it this job and no other, as JSON."""
        return {
            "network": self.network.name, "hash": fingerprint(self.network), "seed": self.seed,
            "data": {"name": self.data.name, "classes": list(self.data.classes),
                     "train": self.data.train.digest, "test": self.data.test.digest},
            "weights": self.weights.facts if self.weights else None,
            "recipe": self.recipe.model_dump(mode="json"),
        }


@dataclass(frozen=True)
class Plan:
    """A job on this machine, in these processes."""

    job: Job
    machine: Machine
    processes: Processes

    def __post_init__(self) -> None:
        found = share(self.recipe, self.processes.world)
        assert found % self.machine.micro_batch == 0, (found, self.machine.micro_batch)

    @property
    def recipe(self) -> Recipe:
        return self.job.recipe

    @property
    def images(self) -> tuple[Tensor, Tensor]:
        """As the job has them."""
        return self.job.images

    @cached_property
    def order(self) -> Order:
        return Order(self.images[0], self.recipe.batch, self.job.seed, self.recipe.data.repeated,
                     self.processes.rank, self.processes.world)

    @cached_property
    def steps(self) -> int:
        return self.recipe.duration.steps(self.order.epoch)

    @property
    def facts(self) -> dict[str, Any]:
        """For run.json."""
        return {**self.job.facts, "steps": self.steps, "machine": {**asdict(self.machine),
                "device": self.processes.device.type, "processes": self.processes.world}}

    @property
    def recipe_text(self) -> str:
        return recipe_file.dump(self.recipe)
