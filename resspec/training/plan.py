"""The plan of a run: all that was given and decided before its first step."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from resspec.diagnostics import UsageError
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.ir.quantities import Conditions
from resspec.passes.measure import measure
from resspec.passes.quantities import Facts
from resspec.passes.recomputation import Recomputation
from resspec.training import data as datasets
from resspec.training import recipe_file
from resspec.training.data import Dataset
from resspec.training.distributed.processes import Processes
from resspec.training.distributed.share import share
from resspec.training.machine import Machine
from resspec.training.machine.budget import within_budget
from resspec.training.recipe import Recipe
from resspec.training.recipe_file import ParsedRecipe
from resspec.training.steps.order import Order
from resspec.training.weights import LoadedWeights

LOG_INTERVAL = 50  # iterations between rows of the metrics where the recipe does not say


@dataclass(frozen=True)
class Job:
    """The task of a run; `resspec/training/preflight` checks whether it can be done.

    Attributes:
        weights: Where training starts, in place of random weights.
        workers: Processes that read images from a folder.
        written: The recipe with its text, so that messages can point at its keys.
    """

    network: Network
    recipe: Recipe
    data: Dataset
    seed: int = 0
    weights: LoadedWeights | None = None
    workers: int = 0
    written: ParsedRecipe | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 1 << 63:
            raise UsageError(f"the seed must be from 0 to 2^63 - 1, not {self.seed}")

    @cached_property
    def images(self) -> tuple[Tensor, Tensor]:
        """Indices of the training images that are trained on, and of those held out."""
        return datasets.held_out(self.data.train.labels, self.recipe.holdout)

    @property
    def weight_bytes(self) -> int:
        """Size of the parameters in a file."""
        return 4 * measure(self.network).params

    @property
    def state_bytes(self) -> int:
        """Size of a checkpoint: parameters, their average, and the optimizer's moments."""
        moments = {"sgd": 1, "adamw": 2, "lamb": 2}[self.recipe.optimizer.name]
        at = Conditions(frozen=self.recipe.never_trained)
        trained = 4 * Facts(self.network, at).total("trainable")
        return self.weight_bytes * (1 + bool(self.recipe.ema)) + moments * trained

    @property
    def data_folder(self) -> Path | None:
        """The folder of the data set, if it is a folder of images."""
        return self.data.folder.absolute() if self.data.folder else None

    @property
    def facts(self) -> dict[str, Any]:
        """The job's identity, as JSON."""
        return {
            "network": self.network.name,
            "hash": fingerprint(self.network),
            "seed": self.seed,
            "data": {
                "name": self.data.name,
                "classes": list(self.data.classes),
                "train": self.data.train.digest,
                "test": self.data.test.digest,
            },
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
        assert found % self.machine.micro_batch_size == 0, (found, self.machine.micro_batch_size)

    @property
    def recipe(self) -> Recipe:
        return self.job.recipe

    @property
    def images(self) -> tuple[Tensor, Tensor]:
        """Indices of the training images that are trained on, and of those held out."""
        return self.job.images

    @cached_property
    def order(self) -> Order:
        return Order(
            self.images[0],
            self.recipe.batch_size,
            self.job.seed,
            self.recipe.data.aug_repeats,
            self.processes.rank,
            self.processes.world,
        )

    @cached_property
    def steps(self) -> int:
        return self.recipe.duration.steps(self.order.epoch)

    @cached_property
    def log_interval(self) -> int:
        """Iterations between rows of the metrics; by default at least one row an epoch."""
        return self.recipe.log or max(1, min(LOG_INTERVAL, int(self.order.epoch)))

    def is_logged(self, step: int) -> bool:
        """Return whether a row of the metrics ends with a step.

        Unless the recipe says when, the first step has a row, so that it can be seen at once.
        """
        if step == self.steps or step % self.log_interval == 0:
            return True
        return step == 1 and self.recipe.log is None

    def facts(self, run: Path) -> dict[str, Any]:
        """Return the content of `run.json`: the job, where its data is, and what was decided.

        The path of the data is relative to the run folder: runs of one command are equal wherever
        they are, and both may be moved together.
        """
        job, data = self.job.facts, self.job.data_folder
        path = os.path.relpath(data, run.absolute()) if data else None
        return {
            **job,
            "data": {**job["data"], "path": path},
            "steps": self.steps,
            "machine": {
                **asdict(self.machine),
                "device": self.processes.device.type,
                "processes": self.processes.world,
            },
        }

    @cached_property
    def recomputation(self) -> Recomputation | None:
        """The blocks that are computed again in the backward pass, if the recipe has a budget."""
        machine = self.machine
        return within_budget(
            self.job.network, self.recipe, machine.micro_batch_size, machine.precision
        )

    def check_budget(self) -> None:
        """Raise a UsageError if a step cannot stay within the recipe's budget of memory."""
        _ = self.recomputation

    @property
    def recipe_text(self) -> str:
        return recipe_file.dump(self.recipe)
