"""Networks to probe: of specs at initialization, on noise; of runs, on their test images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from resspec import compiler
from resspec.backends.module import build
from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.study.probe import Probed, blocks, probe
from resspec.training import classes, data, preflight
from resspec.training.data import Dataset, IndexBatch
from resspec.training.distributed.processes import Processes
from resspec.training.names import DATA
from resspec.training.recipe import Recipe
from resspec.training.run import ended
from resspec.training.weights import LoadedWeights
from resspec.training.weights.preprocessing import normalized_as

ALONE = Processes(0, 1, torch.device("cpu"))


@dataclass(frozen=True, eq=False)
class Subject:
    """A network to probe, and the trained run that it is of, if it is of one."""

    name: str
    network: Network
    run: Trained | None = None


@dataclass(frozen=True, eq=False)
class Trained:
    """The weights of a run, with the data and the recipe that it was trained with."""

    weights: LoadedWeights
    data: Dataset
    recipe: Recipe


def subjects_of(
    spec: str, values: Mapping[str, Any], images: str | None = None
) -> Iterator[Subject]:
    """Yield the networks that are meant.

    Args:
        spec: A spec, a file with networks, or the folder of a run. Of a file, every network that
            needs no values is meant.
        values: Values for the network's parameters, and for `input`.
        images: The data set whose test images a trained network gets; by default the one that it
            was trained on.

    Raises:
        SpecError: The spec has mistakes.
        UsageError: There is nothing to probe.
    """
    folder = Path(spec)
    if folder.is_dir():
        yield _of_run(folder, images)
        return
    for network in _networks(spec, values):
        yield _fit_to_probe(Subject(network.name, network))


def request(subject: Subject, batch: int, out: Path) -> preflight.Request:
    """Return what probing a subject needs, for the checks before it."""
    run = subject.run
    images = min(batch, len(run.data.test)) if run else batch
    return preflight.Request(
        network=subject.network,
        processes=ALONE,
        learns=True,
        batch=images,
        data=run.data if run else None,
        recipe=run.recipe if run else None,
        tests="1-crop" if run else None,
        folder=out,
    )


def probed(subject: Subject, batch: int, seed: int) -> Probed:
    """Probe a subject on so many images."""
    torch.manual_seed(seed)
    module = build(subject.network)
    if subject.run:
        subject.run.weights.into(module)
        images, labels = _test_images(subject.run, batch)
    else:
        images = torch.randn(batch, *subject.network.input.dims)
        labels = torch.randint(subject.network.output.channels, (batch,))
    return probe(subject.name, subject.network, module, images, labels)


def _of_run(folder: Path, images: str | None) -> Subject:
    run = ended.load(folder)
    recipe, trained_on = run.tested.recipe, run.facts["data"]
    name = trained_on["name"]
    if not images and name not in DATA:
        raise UsageError(
            f"the run in {folder} read its images from a folder named `{name}`",
            remedy="data folder",
        )
    found = data.load(
        images or name,
        normalize=recipe.data.normalize,
        exif=recipe.data.exif,
        channels=run.network.input.channels,
    )
    classes.check_same(trained_on["classes"], found.classes, whose=str(folder), data=found.name)
    found = normalized_as(run.facts["preprocessing"], found)
    return _fit_to_probe(Subject(folder.name, run.network, Trained(run.weights, found, recipe)))


def _fit_to_probe(subject: Subject) -> Subject:
    if not blocks(subject.network) or len(subject.network.output.dims) != 1:
        why = "it has neither blocks nor convolutions in a row, or does not end with scores"
        raise UsageError(f"there is nothing to probe in {subject.name}: {why}")
    return subject


def _networks(spec: str, values: Mapping[str, Any]) -> list[Network]:
    try:
        return [compiler.load(spec, **values)]
    except UsageError:
        if any(values.values()) or not Path(spec).is_file():
            raise
        return list(compiler.examine(spec).networks)


def _test_images(run: Trained, count: int) -> tuple[Tensor, Tensor]:
    """Return the first test images, as the run's recipe shows them, and their labels."""
    test = run.data.test
    indices = torch.arange(min(count, len(test)))
    draw = IndexBatch(indices, indices)
    batch = next(
        iter(test.batches([draw], transform=run.recipe.data.test, device=torch.device("cpu")))
    )
    return batch.images, test.labels[indices]
