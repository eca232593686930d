"""Training loops that race each other: ours, and loops as torchvision's and timm's scripts have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from resspec import heap, shipped
from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.training import trainer
from resspec.training.distributed.processes import Processes
from resspec.training.plan import Job, Plan
from resspec.training.steps import loop
from resspec.training.steps.step import Learner
from resspec.training.stop import Stop

ALONE = Processes(0, 1, torch.device("cpu"))


PATIENCE = 60  # seconds for a loop and its workers to end
Timed = Callable[[int], float]  # seconds of so many steps


def raced(
    job: Job,
    others: Mapping[str, Timed],
    folder: Path,
    turns: int,
    steps: int,
    processes: Processes = ALONE,
) -> tuple[Plan, dict[str, list[float]]]:
    """Return the seconds of each loop for some steps, in turns, after a warm-up."""
    seconds: dict[str, list[float]] = {"ours": [], **{name: [] for name in others}}
    start = 0.0

    def stepped(step: int, waited: float) -> None:
        nonlocal start
        del waited
        if step == 0:
            start = now(processes.device)
        elif step % steps == 0:
            seconds["ours"].append(now(processes.device) - start)
            for name, other in others.items():
                seconds[name].append(other(steps))
            start = now(processes.device)

    plan = fitted(job, folder, stepped, processes)
    assert all(len(times) == turns + 1 for times in seconds.values())
    return plan, {name: times[1:] for name, times in seconds.items()}


@contextmanager
def apart(begun: Callable[[], Iterator[Any]]) -> Iterator[Timed]:
    """Run a loop on the CPU in a process of its own, with the allocator as torch leaves it."""
    spawn = get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_apart, args=(begun, there, torch.get_num_threads()))
    process.start()
    there.close()

    def asked(count: int) -> float:
        here.send(count)
        return float(here.recv())

    try:
        here.recv()
        yield asked
    finally:
        here.close()
        process.join(PATIENCE)
        process.kill()


def _apart(begun: Callable[[], Iterator[Any]], asked: Connection, threads: int) -> None:
    torch.set_num_threads(threads)
    steps = begun()
    asked.send("ready")
    with suppress(EOFError):
        while True:
            asked.send(taken(steps, asked.recv(), ALONE.device))


def fitted(
    job: Job, folder: Path, stepped: Callable[[int, float], None], processes: Processes = ALONE
) -> Plan:
    """Run our loop as `resspec train` does, and call `stepped` before each step."""
    if processes.device.type == "cpu":
        heap.keep_freed_memory()
    plan = trainer.planned(job, folder, processes)
    with trainer.settled(plan):
        state = trainer.begun(plan)
        watcher = loop.Watcher(stepped, lambda _: None, lambda _: None)
        loop.fit(plan, state, Learner(plan, state), watcher, Stop(processes))
    return plan


def taken(steps: Iterator[Any], count: int, device: torch.device) -> float:
    """Time some steps of another loop, with that script's choice of convolution algorithms."""
    with torch.backends.cudnn.flags(
        enabled=True, benchmark=True, deterministic=False, allow_tf32=True
    ):
        start = now(device)
        for _ in range(count):
            next(steps)
        return now(device) - start


def now(device: torch.device) -> float:
    """Once all is done that the device was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


def reference(
    network: Network,
    loader: Iterable[Any],
    rate: float = 0.1,
    device: torch.device = ALONE.device,
    *,
    amp: bool = False,
) -> Iterator[nn.Module]:
    """Train as torchvision's references/classification/train.py, with `amp` as with its `--amp`.

    It is eager, in torch's own layout, and reads loss and accuracies with `.item()` at every step.
    Yields the module after each step, epoch after epoch.
    """
    module = build(network).to(device).train()
    made = torch.optim.SGD(
        module.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    scaler = torch.amp.GradScaler(device.type, enabled=amp)
    criterion, meters = nn.CrossEntropyLoss(), [0.0, 0.0, 0.0]
    while True:
        for batch in loader:
            images, target = (part.to(device, non_blocking=True) for part in batch)
            with torch.autocast(device.type, enabled=amp):
                output = module(images)
                loss = criterion(output, target)
            made.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(made)
            scaler.update()
            told = output.topk(min(5, output.shape[1]), 1).indices.t().eq(target[None])
            for i, value in enumerate((loss, told[:1].sum(), told.sum())):
                meters[i] += value.item()
            yield module


def timms(
    module: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    device: torch.device,
    *,
    compiled: bool = False,
) -> Iterator[nn.Module]:
    """Train as timm's train.py with `--amp --amp-dtype bfloat16 --channels-last --torchcompile`.

    Its loader brings batches to the device.
    """
    from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]

    module = module.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    made = create_optimizer_v2(module, opt="sgd", lr=0.1, momentum=0.9, weight_decay=1e-4)
    criterion, total = nn.CrossEntropyLoss(), 0.0
    run: Any = torch.compile(module) if compiled else module
    while True:
        for images, target in loader:
            with torch.autocast(device.type, torch.bfloat16):
                loss = criterion(run(images.contiguous(memory_format=torch.channels_last)), target)
            made.zero_grad()
            loss.backward()
            made.step()
            total += loss.item() * len(images)
            yield module


def of_classes(spec: str, classes: int, folder: Path) -> Network:
    """A shipped network with another head."""
    text = (
        shipped.path("specs", f"{spec}.res")
        .read_text(encoding="utf-8")
        .replace("fc 1000", f"fc {classes}")
    )
    path = folder / f"{spec}.res"
    path.write_text(
        "\n".join(line for line in text.splitlines() if "expect" not in line), encoding="utf-8"
    )
    return load(path)


def photographs(folder: Path, count: int, workers: int) -> None:
    """Of the size and the detail of ImageNet's, in two classes, the same for training and test."""
    for part in ("train", "val"):
        for label in range(2):
            (folder / part / f"class{label}").mkdir(parents=True)
    with get_context("spawn").Pool(workers, torch.set_num_threads, (1,)) as pool:
        pool.starmap(_photograph, ((folder, i) for i in range(count)))


def _photograph(folder: Path, number: int) -> None:
    draw = torch.Generator().manual_seed(number)
    coarse = torch.randint(0, 256, (1, 3, 47, 63), generator=draw).float()
    image = nn.functional.interpolate(coarse, (375, 500), mode="bicubic").clamp(0, 255)
    pixels = (
        (image + 12 * torch.randn(image.shape, generator=draw))
        .clamp(0, 255)
        .to(torch.uint8)[0]
        .permute(1, 2, 0)
    )
    train, test = (
        folder / part / f"class{number % 2}" / f"{number}.jpg" for part in ("train", "val")
    )
    Image.fromarray(pixels.numpy()).save(train, quality=90)
    test.hardlink_to(train)
