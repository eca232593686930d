"""Training end to end against a loop written as torchvision's references/classification/train.py has it: transforms image by
image in a DataLoader, eager float32 in torch's own layout, loss and accuracies read with `.item()` at every step. Both take
turns of a few steps in one run, with one network, one set of images, one optimizer: `make bench`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import mean, median, stdev
from time import perf_counter
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import ImageFolder

from resspec import shipped
from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.nodes import Network
from resspec.train import data, loop, recipe_file, trainer
from resspec.train.data.memory import InMemory
from resspec.train.plan import Job
from resspec.train.processes import Processes
from resspec.train.progress import shown
from resspec.train.step import Learner
from resspec.train.stop import Stop

ALONE = Processes(0, 1, torch.device("cpu"))
WORKERS = 2
SAME = {"ema": "null", "schedule.name": "constant", "warmup": "null"}  # one rate on both sides, and the weights themselves


class Pictures(Dataset[tuple[Tensor, int]]):
    """Fashion-MNIST as torchvision's class gives it: a Pillow image, then its transforms."""

    def __init__(self, split: InMemory, transform: Callable[[Image.Image], Tensor]) -> None:
        self.images, self.labels, self.transform = split.images[:, 0].numpy(), split.labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index], mode="L")), self.labels[index]


def reference(network: Network, loader: Iterable[Any], rate: float = 0.1) -> Iterator[nn.Module]:
    """Gives the module after each step, epoch after epoch."""
    module = build(network).train()
    made = torch.optim.SGD(module.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    criterion, meters = nn.CrossEntropyLoss(), [0.0, 0.0, 0.0]
    while True:
        for images, target in loader:
            output = module(images)
            loss = criterion(output, target)
            made.zero_grad()
            loss.backward()
            made.step()
            told = output.topk(2, 1).indices.t().eq(target[None])
            for i, value in enumerate((loss, told[:1].sum(), told.sum())):
                meters[i] += value.item()
            yield module


def faster(job: Job, theirs: Iterator[nn.Module], folder: Path, turns: int, steps: int) -> float:
    """How often more images per second are shown by ours: the median over turns of so many steps, after one to warm up."""
    plan = trainer.planned(job, folder, ALONE)
    seconds: list[tuple[float, float]] = []
    with trainer.settled(plan):
        state = trainer.begun(plan)
        learner = Learner(plan, state)
        start = perf_counter()

        def stepped(step: int, waited: float) -> None:
            nonlocal start
            del waited
            if step and step % steps == 0:
                middle = perf_counter()
                for _ in range(steps):
                    next(theirs)
                seconds.append((middle - start, perf_counter() - middle))
                start = perf_counter()

        loop.fit(plan, state, learner, loop.Watcher(stepped, lambda _: None, lambda _: None), Stop(ALONE))
    ratios = [other / own for own, other in seconds[1:]]
    ours, other = (job.recipe.batch * steps / median(times) for times in zip(*seconds[1:], strict=True))
    print(f"\n{job.network.name}: {ours:,.0f} against {other:,.0f} img/s, {median(ratios):.2f} times "
          f"[{min(ratios):.2f}, {max(ratios):.2f}], {plan.machine.precision}, {plan.machine.threads} threads")
    assert len(ratios) == turns
    return median(ratios)


def fashion() -> tuple[data.Dataset, DataLoader[tuple[Tensor, int]]]:
    found = data.load("fashion-mnist")
    assert isinstance(found.train, InMemory)
    transform = transforms.Compose([
        transforms.RandomCrop(28, padding=1), transforms.RandomHorizontalFlip(), transforms.PILToTensor(),
        transforms.ConvertImageDtype(torch.float),
        transforms.Normalize((found.moments.mean / 255).tolist(), (found.moments.deviation / 255).tolist()),
    ])
    loader = DataLoader(Pictures(found.train, transform), 128, shuffle=True, num_workers=WORKERS, drop_last=True)
    return found, loader


def fashion_recipe(duration: str, **other: str) -> list[tuple[str, str]]:
    return [("duration", duration), ("evaluate", "100 epochs"), ("checkpoint", "100 epochs"), *(SAME | other).items()]


def test_resnet20_on_fashion_mnist_is_twice_as_fast(tmp_path: Path) -> None:
    turns, steps = 7, 20
    found, loader = fashion()
    recipe = recipe_file.load("fashion-mnist", fashion_recipe(f"{(turns + 1) * steps + 1} iterations"))
    network = load("fashion20")
    assert faster(Job(network, recipe, found), reference(network, loader), tmp_path, turns, steps) >= 2.0


def test_and_as_accurate(tmp_path: Path) -> None:
    """An epoch of each, three seeds."""
    found, loader = fashion()
    network, ours, theirs = load("fashion20"), [], []
    recipe = recipe_file.load("fashion-mnist", fashion_recipe("1 epoch", decay_norms="true"))
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
    assert mean(ours) >= mean(theirs) - max(2.8 * noise, 0.003)  # Student's t, 95 %, four degrees of freedom


def test_resnet50_from_a_folder_of_jpegs_is_nearly_twice_as_fast(tmp_path: Path) -> None:
    turns, steps, batch = 3, 2, 16
    photographs(tmp_path / "photographs", 96)
    transform = transforms.Compose([
        transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.PILToTensor(),
        transforms.ConvertImageDtype(torch.float), transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ])
    loader = DataLoader(ImageFolder(tmp_path / "photographs" / "train", transform), batch, shuffle=True, num_workers=WORKERS)
    spec = shipped.path("specs", "resnet50.res").read_text().replace("fc 1000", "fc 2")
    (tmp_path / "resnet50.res").write_text("\n".join(line for line in spec.splitlines() if "expect" not in line))
    network = load(tmp_path / "resnet50.res")
    recipe = recipe_file.load("imagenet-torchvision-v1", [
        ("duration", f"{(turns + 1) * steps + 1} iterations"), ("batch", f"{batch}"),
        ("bn_batch", "null"), ("evaluate", "null"), ("data.draft", "true"), ("checkpoint", "100 epochs"),
    ])
    job = Job(network, recipe, data.load(str(tmp_path / "photographs")), workers=WORKERS)
    assert faster(job, reference(network, loader), tmp_path / "run", turns, steps) >= 1.8


def photographs(folder: Path, count: int) -> None:
    """Of the size and the detail of ImageNet's, in two classes."""
    draw = torch.Generator().manual_seed(0)
    for i in range(count):
        coarse = torch.randint(0, 256, (1, 3, 47, 63), generator=draw).float()
        image = nn.functional.interpolate(coarse, (375, 500), mode="bicubic").clamp(0, 255)
        pixels = (image + 12 * torch.randn(image.shape, generator=draw)).clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0)
        for part in ("train", "val"):
            path = folder / part / f"class{i % 2}" / f"{i}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.numpy()).save(path, quality=90)


@pytest.fixture(autouse=True)
def two_cores() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)
