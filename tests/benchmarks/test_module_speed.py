"""Build, train and run ResNet-152 as module and emitted source, against torchvision's.

Each round runs all three networks in turn, so that other load on the machine hits all of them. The
bound is on the upper end of the 95 % interval of the mean ratio, from the logarithms of the rounds.
"""

import math
import statistics
import time
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torchvision
from torch import nn

import resspec
from resspec.backends.source import emit

MOST = 1.10
ROUNDS = {
    "build": 40,
    "training step": 12,
    "inference": 12,
}  # to build is mostly to touch memory, which scatters
T95 = {40: 2.023, 12: 2.201}  # Student's t, one degree of freedom less

Make = Callable[[], nn.Module]

torch.set_num_threads(1)  # threads that wait for each other would count as work


@pytest.fixture(scope="module")
def makers() -> dict[str, Make]:
    network = resspec.load("torchvision/resnet152")
    names: dict[str, Make] = {}
    exec(compile(emit(network), "resnet152.py", "exec"), names)
    return {
        "torchvision": torchvision.models.resnet152,
        "module": lambda: resspec.build(network),
        "source": names["resnet152"],
        "torchvision again": torchvision.models.resnet152,
    }


def test_build(makers: dict[str, Make]) -> None:
    hold("build", dict(makers))


def test_training_step(makers: dict[str, Make]) -> None:
    x = torch.randn(2, 3, 64, 64)

    def step(net: nn.Module) -> None:
        net.zero_grad()
        net(x).sum().backward()

    hold("training step", {name: partial(step, make()) for name, make in makers.items()})


def test_inference(makers: dict[str, Make]) -> None:
    x = torch.randn(2, 3, 64, 64)

    @torch.inference_mode()
    def infer(net: nn.Module) -> None:
        net(x)

    hold("inference", {name: partial(infer, make().eval()) for name, make in makers.items()})


def hold(what: str, runs: dict[str, Callable[[], object]]) -> None:
    """Run interleaved rounds after a warm-up, and print each ratio with its interval."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS[what] + 1):
        for name, run in runs.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    base = seconds["torchvision"][1:]
    uppers = {}
    for name, taken in seconds.items():
        logs = [math.log(a / b) for a, b in zip(taken[1:], base, strict=True)]
        mean, half = (
            statistics.mean(logs),
            T95[len(logs)] * statistics.stdev(logs) / math.sqrt(len(logs)),
        )
        uppers[name] = math.exp(mean + half)
        print(
            f"{what}, {name}: {math.exp(mean):.3f} [{math.exp(mean - half):.3f}, {uppers[name]:.3f}]"
        )
    assert max(uppers["module"], uppers["source"]) <= MOST
