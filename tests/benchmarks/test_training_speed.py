"""Training end to end against torchvision's references/classification/train.py: `make bench`.

That loop transforms image by image in a DataLoader, in eager float32 and torch's own layout, and
reads loss and accuracies with `.item()` at every step. Both take turns of a few steps in one run,
in processes of their own, with the same network, images and optimizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import mean, median, stdev

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import ImageFolder

from resspec.compiler import load
from resspec.training import data, recipe_file, trainer
from resspec.training.data.memory import InMemory
from resspec.training.output.progress import shown
from resspec.training.plan import Job
from resspec.training.steps import loop
from tests.benchmarks.race import ALONE, apart, of_classes, photographs, raced, reference

WORKERS, BATCH = 2, 16
SAME = {
    "ema": "null",
    "schedule.name": "constant",
    "warmup": "null",
}  # one rate on both sides, and the weights themselves


class Pictures(Dataset[tuple[Tensor, int]]):
    """Fashion-MNIST as torchvision's class gives it: a Pillow image, then its transforms."""

    def __init__(self, split: InMemory, transform: Callable[[Image.Image], Tensor]) -> None:
        self.images, self.labels, self.transform = (
            split.images[:, 0].numpy(),
            split.labels.tolist(),
            transform,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index], mode="L")), self.labels[index]


def faster(
    job: Job, begun: Callable[[], Iterator[nn.Module]], folder: Path, turns: int, steps: int
) -> float:
    """How often more images per second are shown by ours: the median over turns."""
    with apart(begun) as theirs:
        plan, seconds = raced(job, {"theirs": theirs}, folder, turns, steps)
    ratios = [other / own for own, other in zip(seconds["ours"], seconds["theirs"], strict=True)]
    ours, other = (job.recipe.batch_size * steps / median(times) for times in seconds.values())
    print(
        f"\n{job.network.name}: {ours:,.0f} against {other:,.0f} img/s, {median(ratios):.2f} times "
        f"[{min(ratios):.2f}, {max(ratios):.2f}], {plan.machine.precision}, {plan.machine.threads} threads"
    )
    return median(ratios)


def fashion_loader() -> DataLoader[tuple[Tensor, int]]:
    found = data.load("fashion-mnist")
    assert isinstance(found.train, InMemory)
    transform = transforms.Compose(
        [
            transforms.RandomCrop(28, padding=1),
            transforms.RandomHorizontalFlip(),
            transforms.PILToTensor(),
            transforms.ConvertImageDtype(torch.float),
            transforms.Normalize(
                (found.stats.mean / 255).tolist(), (found.stats.std / 255).tolist()
            ),
        ]
    )
    return DataLoader(
        Pictures(found.train, transform), 128, shuffle=True, num_workers=WORKERS, drop_last=True
    )


def fashion_steps() -> Iterator[nn.Module]:
    return reference(load("fashion20"), fashion_loader())


def fashion_recipe(**other: str) -> list[tuple[str, str]]:
    return [
        ("evaluate", "100 epochs"),
        ("checkpoint", "100 epochs"),
        *(SAME | other).items(),
    ]


def test_resnet20_on_fashion_mnist_is_twice_as_fast(tmp_path: Path) -> None:
    turns, steps = 7, 20
    recipe = recipe_file.load(
        "fashion-mnist", fashion_recipe(iterations=f"{(turns + 1) * steps + 1}")
    )
    assert (
        faster(
            Job(load("fashion20"), recipe, data.load("fashion-mnist")),
            fashion_steps,
            tmp_path,
            turns,
            steps,
        )
        >= 2.0
    )


def test_and_as_accurate(tmp_path: Path) -> None:
    """An epoch of each, three seeds."""
    found, loader = data.load("fashion-mnist"), fashion_loader()
    network, ours, theirs = load("fashion20"), [], []
    recipe = recipe_file.load("fashion-mnist", fashion_recipe(epochs="1", norm_weight_decay="null"))
    for seed in range(3):
        plan = trainer.planned(Job(network, recipe, found, seed), tmp_path / str(seed), ALONE)
        ours.append(trainer.train(plan, tmp_path / str(seed), show=shown(visible=False)).accuracy)
        torch.manual_seed(seed)
        steps = reference(network, loader)
        module = next(steps)
        for _ in range(len(loader) - 1):
            module = next(steps)
        tested = loop.test(plan, module, found.test, torch.arange(len(found.test)))
        assert tested is not None
        theirs.append(tested[1])
        print(f"\nseed {seed}: {ours[-1]:.2%}, theirs {theirs[-1]:.2%}")
    noise = (stdev(ours) ** 2 / 3 + stdev(theirs) ** 2 / 3) ** 0.5
    assert mean(ours) >= mean(theirs) - max(
        2.8 * noise, 0.003
    )  # Student's t, 95 %, four degrees of freedom


def jpeg_steps(folder: Path) -> Iterator[nn.Module]:
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.PILToTensor(),
            transforms.ConvertImageDtype(torch.float),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    loader = DataLoader(
        ImageFolder(folder / "photographs" / "train", transform),
        BATCH,
        shuffle=True,
        num_workers=WORKERS,
    )
    return reference(load(folder / "resnet50.res"), loader)


def test_resnet50_from_a_folder_of_jpegs_is_nearly_twice_as_fast(tmp_path: Path) -> None:
    turns, steps = 3, 2
    photographs(tmp_path / "photographs", 96, WORKERS)
    network = of_classes("resnet50", 2, tmp_path)
    recipe = recipe_file.load(
        "imagenet-torchvision-v1",
        [
            ("iterations", f"{(turns + 1) * steps + 1}"),
            ("batch_size", f"{BATCH}"),
            ("bn_batch_size", "null"),
            ("evaluate", "null"),
            ("data.draft", "true"),
            ("checkpoint", "100 epochs"),
        ],
    )
    job = Job(network, recipe, data.load(str(tmp_path / "photographs")), workers=WORKERS)
    assert faster(job, partial(jpeg_steps, tmp_path), tmp_path / "run", turns, steps) >= 1.8


@pytest.fixture(autouse=True)
def two_cores() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)
