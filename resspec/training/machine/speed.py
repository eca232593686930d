"""The speed of a network: the forward pass alone, and a training step in its three parts.

Several ways of running it take turns, so that other load on the machine affects all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.ir.network import Network
from resspec.training.machine import Machine, compiled_by_torch, half
from resspec.training.recipe import SGDConfig
from resspec.training.steps.optimizers import optimizer

T = TypeVar("T")
Scores = Tensor | dict[str, Tensor]  # of a backbone: its outputs by name

WARM = 2  # rounds that find their kernels, and are not counted
PARTS = ("forward", "backward", "optimizer")  # of a training step


class Speed(NamedTuple):
    """Median seconds for one batch.

    Attributes:
        forward: The forward pass in evaluation mode.
        parts: The parts of a training step, in the order of PARTS.
    """

    forward: float
    parts: tuple[float, float, float]

    @property
    def step(self) -> float:
        return sum(self.parts)


def ways(device: torch.device, batch: int, *, compiled: bool) -> list[Machine]:
    """Return all useful ways of running; the first is float32 with torch's defaults."""
    names = ("fp32", *filter(None, [half(device)]))
    kinds = [(name, last, False) for name in names for last in (False, True)]
    kinds += [("fp16", True, False)] if device.type == "cuda" and "bf16" in names else []
    kinds += [(name, name != "fp32", True) for name in names] if compiled else []
    threads = torch.get_num_threads()
    return [
        Machine(precision, batch, last, compiling, threads) for precision, last, compiling in kinds
    ]


def race(
    network: Network,
    ways: Sequence[Machine],
    batch: int,
    device: torch.device,
    *,
    rounds: int,
    seconds: float = 0,
) -> list[Speed]:
    """Return the speed of each way, on random images and with momentum SGD.

    At least `rounds` rounds are measured, and more until `seconds` are over.

    Raises:
        UsageError: torch.compile does not work.
    """
    runners = [_Runner(network, way, batch, device) for way in ways]
    taken: list[list[tuple[float, ...]]] = [[] for _ in ways]
    start = perf_counter()
    while len(taken[0]) < WARM + rounds or perf_counter() - start < seconds:
        for runner, times in zip(runners, taken, strict=True):
            times.append((runner.forward(), *runner.step()))
    medians = [[median(column) for column in zip(*times[WARM:], strict=True)] for times in taken]
    return [Speed(forward, (first, second, third)) for forward, first, second, third in medians]


class _Runner:
    """A network as it is run one way."""

    def __init__(self, network: Network, way: Machine, batch: int, device: torch.device) -> None:
        self.way, self.device = way, device
        with torch.random.fork_rng(devices=[]):
            self.module = way.placed(build(network), device)
            images = torch.randn(batch, *network.input.dims)
        layout = (
            torch.channels_last
            if way.channels_last and images.dim() == 4
            else torch.contiguous_format
        )
        self.images = images.to(device).contiguous(memory_format=layout)
        self.optimizer = optimizer(self.module, SGDConfig(lr=1e-6), norm_weight_decay=None)
        self.run: nn.Module = self.module
        if way.compile:
            self.run = torch.compile(self.module, dynamic=False)  # type: ignore[assignment]

    def forward(self) -> float:
        self.module.eval()
        with torch.no_grad():
            return self._timed(self._scores)[1]

    def step(self) -> tuple[float, float, float]:
        self.module.train()
        self.optimizer.zero_grad()
        scores, first = self._timed(self._scores)
        _, second = self._timed(_mean(scores).backward)
        _, third = self._timed(self.optimizer.step)
        return first, second, third

    def _scores(self) -> Scores:
        with compiled_by_torch(), self.way.autocast(self.device):
            scores: Scores = self.run(self.images)
        return scores

    def _timed(self, work: Callable[[], T]) -> tuple[T, float]:
        self._settled()
        start = perf_counter()
        result = work()
        self._settled()
        return result, perf_counter() - start

    def _settled(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def _mean(scores: Scores) -> Tensor:
    """Return the mean of what a network returns, of all outputs of a backbone."""
    outputs = scores.values() if isinstance(scores, dict) else [scores]
    return torch.stack([output.float().mean() for output in outputs]).mean()
