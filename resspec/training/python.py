"""Training and evaluation as functions of Python, for one process that prints nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from resspec.ir.network import Network
from resspec.training import classes, data, recipe_file, trainer
from resspec.training.distributed import processes
from resspec.training.evaluate import EvalConfig, Evaluation, Protocol, evaluate
from resspec.training.output.progress import Show
from resspec.training.plan import Job
from resspec.training.run import ended
from resspec.training.trainer import Result
from resspec.training.weights.preprocessing import normalized_as


def job_of(
    network: Network,
    *,
    dataset: str,
    recipe: str,
    settings: Mapping[str, object],
    seed: int,
    workers: int,
    download: bool,
) -> Job:
    """Return the training that is asked for. Raises SpecError, UsageError."""
    written = recipe_file.read(recipe, [(key, str(value)) for key, value in settings.items()])
    transforms = written.recipe.data
    images = data.load(
        dataset,
        normalize=transforms.normalize,
        exif=transforms.exif,
        channels=network.input.channels,
        download=download,
    )
    return Job(network, written.recipe, images, seed, workers=workers, written=written)


def train_job(job: Job, run: Path, device: str | None) -> Result:
    """Train in a run folder, or resume there. Raises SpecError, UsageError."""
    with processes.joined(device) as together:
        plan = trainer.planned(job, run, together)
        return trainer.train(plan, run, show=Show())


def evaluate_run(
    run: Path,
    *,
    dataset: str | None,
    protocol: Protocol,
    batch_size: int,
    workers: int,
    device: str | None,
) -> Evaluation:
    """Evaluate the trained network of a run folder. Raises UsageError."""
    finished = ended.load(run)
    name = dataset or ended.data_of(run, finished.facts)
    transforms = finished.tested.recipe.data
    images = data.load(
        name,
        normalize=transforms.normalize,
        exif=transforms.exif,
        channels=finished.network.input.channels,
    )
    classes.check_same(finished.facts["data"]["classes"], images.classes, whose=str(run), data=name)
    images = normalized_as(finished.facts["preprocessing"], images)
    module = ended.module_of(run)
    config = EvalConfig(images.test, transforms.test, protocol, batch_size, workers)
    with processes.joined(device) as together:
        return evaluate(finished.network, module.state_dict(), config, together)
