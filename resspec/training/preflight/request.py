"""Requests: what a command is about to do, for the checks before the first step."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from resspec.ir.network import Network
from resspec.source import Span
from resspec.training.data import Dataset, held_out
from resspec.training.distributed.processes import Processes
from resspec.training.evaluate import TEST_BATCH, Protocol
from resspec.training.plan import Job
from resspec.training.recipe import Recipe
from resspec.training.recipe_file import ParsedRecipe
from resspec.training.weights import LoadedWeights


class Note(NamedTuple):
    """Something that is not an error but worth knowing before a run."""

    text: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Request:
    """A task that a command is about to do with one network.

    Attributes:
        network: The network.
        processes: The processes that do it together.
        learns: Whether the network runs in training mode.
        data: The images; without them, noise of the network's own input size.
        recipe: How images are transformed and the network is trained.
        written: The recipe with its text, to point at its keys.
        trains: Whether the training images are used.
        tests: The protocol by which the test images are used, or None where they are not.
        batch: Images at a time where no recipe says so; of a test always.
        facts: What must be the same in every process.
        weights: Weights to start from.
        folder: The folder that will be written to.
        writes: Bytes of all that will be written there, besides what is there.
        largest: Bytes of the largest file among it.
        full_check: Whether training images are decoded, and not only their headers and ends read.
        only_plans: Whether nothing is done after the checks.
    """

    network: Network
    processes: Processes
    learns: bool = False
    data: Dataset | None = None
    recipe: Recipe | None = None
    written: ParsedRecipe | None = None
    trains: bool = False
    tests: Protocol | None = None
    batch: int = TEST_BATCH
    facts: dict[str, Any] | None = None
    weights: LoadedWeights | None = None
    folder: Path | None = None
    writes: int = 0
    largest: int = 0
    full_check: bool = False
    only_plans: bool = False

    @cached_property
    def trained_on(self) -> Tensor:
        """Indices of the training images that are learned from."""
        return self._split[0]

    @cached_property
    def kept_apart(self) -> Tensor:
        """Indices of the training images that are held out."""
        return self._split[1]

    def key(self, path: str) -> Span:
        """Return the place of a recipe's key, such as `data.crop`."""
        return self.written.span(path) if self.written else Span.of_file("the recipe")

    def value(self, *path: str | int) -> Span:
        """Return the place of a recipe's value, such as `("freeze", "sections", 0)`."""
        return self.written.value(*path) if self.written else Span.of_file("the recipe")

    def name(self, *path: str) -> Span:
        """Return the place of a recipe's key without its value."""
        return self.written.name(*path) if self.written else Span.of_file("the recipe")

    @cached_property
    def _split(self) -> tuple[Tensor, Tensor]:
        assert self.data
        return held_out(self.data.train.labels, self.recipe.holdout if self.recipe else 0)


def of_job(
    job: Job,
    folder: Path,
    processes: Processes,
    *,
    full_check: bool = False,
    only_plans: bool = False,
) -> Request:
    """Return the request of a training run in a folder."""
    # Not Path.is_file: a name may be too long, which is reported later.
    has_ended = os.path.isfile(folder / "result.json")  # noqa: PTH113
    tensors = job.state_bytes
    whole = tensors * (job.recipe.keep + 1) + job.weight_bytes
    return Request(
        network=job.network,
        processes=processes,
        learns=True,
        data=job.data,
        recipe=job.recipe,
        written=job.written,
        trains=True,
        tests="1-crop",
        facts=job.facts,
        weights=job.weights,
        folder=folder,
        writes=0 if has_ended else max(0, whole - _written(folder)),
        largest=0 if has_ended else tensors,
        full_check=full_check,
        only_plans=only_plans,
    )


def _written(folder: Path) -> int:
    """Return how many bytes the checkpoints of a run and its weights take already."""
    total = 0
    with suppress(OSError):  # of a folder that cannot be read, which another check reports
        for path in (folder / "weights.safetensors", *folder.glob("checkpoints/*/*")):
            if path.is_file():
                total += path.stat().st_size
    return total
