"""ResNets at 224 px on a GPU: `make bench`, or RESSPEC_GPU=cpu to try it without one.

Training beside torchvision's and timm's loops in one run, memory beside the report's bound, and
where the time of a step goes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import timm
import torch
from timm.data import create_dataset, create_loader  # type: ignore[attr-defined]
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from resspec.training import data, recipe_file
from resspec.training.data.memory import ImageArrays, in_memory
from resspec.training.distributed.processes import Processes
from resspec.training.machine import bound
from resspec.training.plan import Job
from tests.benchmarks.race import (
    Timed,
    fitted,
    now,
    of_classes,
    photographs,
    raced,
    reference,
    taken,
    timms,
)

DEVICE = torch.device(os.environ.get("RESSPEC_GPU", "cuda:0"))
PROCESS = Processes(0, 1, DEVICE)
NETWORKS = ["resnet50", "resnet152"] if DEVICE.type == "cuda" else ["resnet18"]
CLASSES = 2
WHOLE = ("data.random_resized_crop", "null")
WORKERS = max(1, (os.cpu_count() or 2) - 1)

pytestmark = pytest.mark.skipif(
    DEVICE.type == "cuda" and not torch.cuda.is_available(), reason="no GPU"
)


@dataclass(frozen=True)
class Size:
    batch: int
    turns: int
    steps: int
    photographs: int


SIZE = Size(128, 5, 10, 2048) if DEVICE.type == "cuda" else Size(2, 1, 1, 32)


def job(
    spec: str,
    folder: Path,
    found: data.Dataset,
    steps: int,
    *settings: tuple[str, str],
    workers: int = 0,
) -> Job:
    always = {
        "iterations": f"{steps}",
        "batch_size": f"{SIZE.batch}",
        "bn_batch_size": "null",
        "evaluate": "null",
        "checkpoint": "1000000 epochs",
    }
    recipe = recipe_file.load("imagenet-torchvision-v1", [*always.items(), *settings])
    return Job(of_classes(spec, CLASSES, folder), recipe, found, workers=workers)


def synthetic() -> data.Dataset:
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (4 * SIZE.batch, 3, 224, 224), dtype=torch.uint8, generator=draw)
    stored = ImageArrays(images, torch.randint(CLASSES, (len(images),), generator=draw))
    return in_memory("synthetic", ("a", "b"), stored, stored, "moments")


def here(steps: Iterator[Any]) -> Timed:
    """Beside ours in one process: the GPU is one."""
    return lambda count: taken(steps, count, DEVICE)


def one_batch() -> Iterator[tuple[Tensor, Tensor]]:
    """On the device already, the same again and again."""
    images = torch.randn(SIZE.batch, 3, 224, 224, device=DEVICE)
    target = torch.randint(CLASSES, (SIZE.batch,), device=DEVICE)
    while True:
        yield images, target


@pytest.mark.parametrize("spec", NETWORKS)
def test_synthetic_images(spec: str, tmp_path: Path) -> None:
    """Ours draws, flips and normalizes its images; the others' lie ready."""
    wanted = job(spec, tmp_path, synthetic(), (SIZE.turns + 1) * SIZE.steps + 1, WHOLE)
    others = {
        "torchvision": here(reference(wanted.network, one_batch(), device=DEVICE)),
        "torchvision --amp": here(reference(wanted.network, one_batch(), device=DEVICE, amp=True)),
        "timm --amp --channels-last": here(
            timms(timm.create_model(spec, num_classes=CLASSES), one_batch(), DEVICE)
        ),
    }
    plan, seconds = raced(wanted, others, tmp_path / "run", SIZE.turns, SIZE.steps, PROCESS)
    report(
        f"{spec}, synthetic, {plan.machine.precision}",
        {name: median(times) for name, times in seconds.items()},
        SIZE.steps,
    )


def test_compiled(tmp_path: Path) -> None:
    """Ours with `compile: true`, timm's with `--torchcompile`."""
    spec = NETWORKS[0]
    module = timm.create_model(spec, num_classes=CLASSES)
    wanted = job(
        spec, tmp_path, synthetic(), (SIZE.turns + 1) * SIZE.steps + 1, WHOLE, ("compile", "true")
    )
    others = {
        "timm --amp --channels-last --torchcompile": here(
            timms(module, one_batch(), DEVICE, compiled=True)
        )
    }
    _, seconds = raced(wanted, others, tmp_path / "run", SIZE.turns, SIZE.steps, PROCESS)
    report(
        f"{spec}, synthetic, compiled",
        {name: median(times) for name, times in seconds.items()},
        SIZE.steps,
    )


@pytest.mark.parametrize("spec", NETWORKS)
def test_folder_of_jpegs(spec: str, tmp_path: Path) -> None:
    """One after the other, each with all cores, as loaders read ahead; ours first and last."""
    folder = tmp_path / "photographs"
    photographs(folder, SIZE.photographs, WORKERS)
    warm, count = 2 * WORKERS + 5, 4 * SIZE.steps  # more than is read ahead

    def ours(number: int) -> float:
        marks: list[float] = []
        wanted = job(
            spec,
            tmp_path,
            data.load(str(folder)),
            warm + count + 1,
            ("data.draft", "true"),
            workers=WORKERS,
        )

        def stepped(step: int, waited: float) -> None:
            del waited
            if step in (warm, warm + count):
                marks.append(now(DEVICE))

        fitted(wanted, tmp_path / str(number), stepped, PROCESS)
        return marks[1] - marks[0]

    def other(steps: Iterator[Any]) -> float:
        taken(steps, warm, DEVICE)
        return taken(steps, count, DEVICE)

    network = of_classes(spec, CLASSES, tmp_path)
    seconds = {
        "ours": ours(0),
        "torchvision --amp": other(
            reference(network, torchvisions(folder), device=DEVICE, amp=True)
        ),
        "timm --amp --channels-last": other(
            timms(timm.create_model(spec, num_classes=CLASSES), timms_loader(folder), DEVICE)
        ),
        "ours again": ours(1),
    }
    report(f"{spec}, JPEGs, {WORKERS} workers", seconds, count)


def torchvisions(folder: Path) -> DataLoader[Any]:
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.PILToTensor(),
            transforms.ConvertImageDtype(torch.float),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )
    return DataLoader(
        ImageFolder(folder / "train", transform),
        SIZE.batch,
        shuffle=True,
        num_workers=WORKERS,
        pin_memory=DEVICE.type == "cuda",
        drop_last=True,
    )


def timms_loader(folder: Path) -> Any:
    found = create_dataset("", root=str(folder), split="train", is_training=True)
    return create_loader(
        found,
        (3, 224, 224),
        SIZE.batch,
        is_training=True,
        num_workers=WORKERS,
        device=DEVICE,
        use_prefetcher=DEVICE.type == "cuda",
    )


@pytest.mark.parametrize("spec", NETWORKS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_memory_beside_the_bound(spec: str, precision: str, tmp_path: Path) -> None:
    """The bound counts all tensors in one type; autocast keeps weights in float32."""
    wanted = job(spec, tmp_path, synthetic(), 6, WHOLE, ("precision", precision))
    peaks: list[int] = []

    def stepped(step: int, waited: float) -> None:
        del waited
        if DEVICE.type == "cuda":
            torch.cuda.reset_peak_memory_stats(DEVICE) if step == 3 else peaks.append(
                torch.cuda.max_memory_allocated(DEVICE)
            )

    before = torch.cuda.memory_allocated(DEVICE) if DEVICE.type == "cuda" else 0
    fitted(wanted, tmp_path / "run", stepped, PROCESS)
    own = (
        max(peaks[3:], default=0) - before - 4 * SIZE.batch * 3 * 224 * 224
    )  # what the images in memory take
    least = bound(wanted.network, wanted.recipe, SIZE.batch, precision)
    print(
        f"\n{spec}, batch {SIZE.batch}, {precision}: {own / 1e9:.2f} GB; the report's training bound in this type "
        f"{least / 1e9:.2f} GB, {own / least:.3f} times"
    )
    assert least <= own <= 1.15 * least or DEVICE.type == "cpu"


@pytest.mark.parametrize("spec", NETWORKS)
def test_profile(spec: str, tmp_path: Path) -> None:
    wanted = job(spec, tmp_path, synthetic(), 31, WHOLE)
    marks: list[float] = []
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (DEVICE.type == "cuda")
    profiler = profile(activities=activities)

    def stepped(step: int, waited: float) -> None:
        del waited
        if step in (10, 20, 30):
            marks.append(now(DEVICE))
        if step == 20:
            profiler.start()
        if step == 30:
            profiler.stop()

    fitted(wanted, tmp_path / "run", stepped, PROCESS)
    kernels = [
        event
        for event in profiler.key_averages()
        if event.self_device_time_total and "::" not in event.key[:8]
    ]
    busy = sum(event.self_device_time_total for event in kernels) / 1e6
    print(
        f"\n{spec}, batch {SIZE.batch}: {(marks[1] - marks[0]) * 100:.1f} ms a step; kernels run {busy * 100:.1f} ms of it"
    )
    for event in sorted(kernels, key=lambda event: -event.self_device_time_total)[:25]:
        print(
            f"{event.self_device_time_total / 1e6 / busy:6.1%} {event.count // 10:5} a step  {event.key[:110]}"
        )


def report(what: str, seconds: dict[str, float], steps: int) -> None:
    print(f"\n{what}, batch {SIZE.batch}")
    for name, each in seconds.items():
        print(
            f"  {name:41} {SIZE.batch * steps / each:8,.1f} img/s   ours is {each / seconds['ours']:.2f} times as fast"
        )
