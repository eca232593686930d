"""Training on one page: build a network, fit it, measure it once at the end, and leave a complete record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from math import ceil, cos, isfinite, pi
from pathlib import Path
from time import perf_counter

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from resspec.diagnostics import SpecError, UsageError
from resspec.files import write
from resspec.ir.nodes import Network
from resspec.train import data as datasets
from resspec.train import errors, record
from resspec.train.data import Dataset, Draw, Split
from resspec.train.order import Order
from resspec.train.progress import Show, shown
from resspec.train.recipe import Data, Test


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov's momentum; the rate rises linearly over the share `warmup` of all steps, then falls along a
    cosine to 0. `shift`: an image moves by up to so many pixels."""

    epochs: int = 30
    batch: int = 64
    rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.15
    shift: int = 1


@dataclass(frozen=True)
class Epoch:
    """Means over the training images as they were shown, each measured before the step that learned from it."""

    epoch: int
    rate: float
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Result:
    """What a run ended with: `correct` of `total` test images, looked at once; its folder; wall-clock seconds."""

    run: Path
    correct: int
    total: int
    seconds: float

    @property
    def accuracy(self) -> float:
        return self.correct / self.total


def train(
    network: Network, *, data: str = "digits", run: Path, seed: int = 0, epochs: int | None = None, progress: bool = True
) -> Result:
    """Trains on the CPU and fills the folder `run` (see record.py); bitwise the same for a seed on one kind of machine.
    Raises SpecError where network and data do not fit, UsageError where the call makes no sense."""
    from resspec.backends.module import build

    recipe = Recipe() if epochs is None else Recipe(epochs=epochs)
    if recipe.epochs < 1 or seed < 0:
        raise UsageError(f"a run has at least 1 epoch and a seed from 0 on, not {recipe.epochs} and {seed}")
    dataset = datasets.load(data)
    if misfits := tuple(errors.misfits(network, dataset)):
        raise SpecError(misfits)
    record.begin(run, network, dataset, seed, asdict(recipe))
    start = perf_counter()
    steps = recipe.epochs * ceil(len(dataset.train) / recipe.batch)
    with seeded(seed), shown(recipe.epochs, steps, visible=progress) as show:
        module = build(network)
        rows: list[dict[str, float]] = []
        for row in fit(module, dataset, recipe, seed=seed, show=show):
            rows.append(asdict(row))
            record.write_rows(run / "metrics.csv", rows)
        correct, total = evaluate(module, dataset.test), len(dataset.test)
    write(run / "weights.safetensors", save(module.state_dict()))
    result = Result(run, correct, total, perf_counter() - start)
    record.write_json(run / "result.json", {"correct": correct, "total": total, "accuracy": result.accuracy,
                                            "seconds": round(result.seconds, 2)})
    return result


def fit(module: nn.Module, data: Dataset, recipe: Recipe, *, seed: int, show: Show) -> Iterator[Epoch]:
    """Trains the module in place, an epoch at a time. Raises UsageError once the loss is not finite."""
    optimizer = torch.optim.SGD(module.parameters(), recipe.rate, momentum=recipe.momentum,
                                weight_decay=recipe.weight_decay, nesterov=True)
    steps = recipe.epochs * ceil(len(data.train) / recipe.batch)
    step, rate = 0, 0.0
    module.train()
    order = Order(torch.arange(len(data.train)), recipe.batch, seed)
    for number in range(1, recipe.epochs + 1):
        seen, loss_sum, correct = 0, 0.0, 0
        draws = order.draws((number - 1) * steps // recipe.epochs, number * steps // recipe.epochs)
        for images, labels in data.train.batches(draws, view=Data(shift=recipe.shift), device=torch.device("cpu")):
            rate = rate_at(step, steps, recipe)
            for group in optimizer.param_groups:
                group["lr"] = rate
            scores = module(images)
            loss = cross_entropy(scores, labels)
            if not isfinite(loss.item()):
                raise UsageError(f"the loss is {loss.item()} in epoch {number}: this network does not train with this recipe")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            seen += len(labels)
            loss_sum += loss.item() * len(labels)
            correct += hits(scores, labels)
            show(step, loss_sum / seen, correct / seen)
        yield Epoch(number, rate, loss_sum / seen, correct / seen)


def rate_at(step: int, steps: int, recipe: Recipe) -> float:
    """The learning rate of a step, counted from 0."""
    rising = recipe.warmup * steps
    if step < rising:
        return recipe.rate * (step + 1) / (rising + 1)
    return recipe.rate * (1 + cos(pi * (step - rising) / (steps - rising))) / 2


@torch.no_grad()
def evaluate(module: nn.Module, split: Split, batch: int = 256) -> int:
    """How many images of a split are told right."""
    module.eval()
    draws = (Draw(part, part) for part in torch.arange(len(split)).split(batch))
    return sum(hits(module(images), labels) for images, labels in split.batches(draws, view=Test(), device=torch.device("cpu")))


def hits(scores: Tensor, labels: Tensor) -> int:
    return int((scores.argmax(1) == labels).sum())


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """On one thread with this seed; the caller's threads and random state come back at the end."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # Networks this small gain little from a second thread, and lose tenfold where another process wants the core.
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
