"""The speed of inference: eager, folded, compiled, and by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from statistics import median
from time import perf_counter
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resspec.backends.module import build
from resspec.backends.onnx import Inexpressible, to_onnx
from resspec.ir.network import Network
from resspec.passes.folding import fold
from resspec.training.machine import compiled_by_torch
from resspec.training.weights.folding import fold_weights

WARM = 2  # rounds that find their kernels, and are not counted


class InferenceWay(NamedTuple):
    """A way to run a network in evaluation, and the function that runs it once."""

    name: str
    run: Callable[[], object]


def inference_ways(
    network: Network,
    batch: int,
    device: torch.device,
    *,
    compiled: bool,
    tell: Callable[[str], None],
) -> list[InferenceWay]:
    """Return the ways to run a network on random images in float32; the first is eager.

    onnxruntime is among them on a CPU, where it is installed.

    Args:
        network: The network; it has random weights.
        batch: The images at a time.
        device: The device.
        compiled: Whether it is compiled by torch, too.
        tell: Called with the reason why onnxruntime is left out.
    """
    with torch.random.fork_rng(devices=[]):
        module = build(network).eval()
        images = torch.randn(batch, *network.input.dims)
    folding = fold(network)
    folded = build(folding.network).eval()
    folded.load_state_dict(fold_weights(folding, module.state_dict()))
    ways = [
        _eager("eager", module, images, device),
        _eager("eager, channels last", module, images, device, last=True),
        _eager("folded", folded, images, device),
        _eager("folded, channels last", folded, images, device, last=True),
    ]
    if compiled:
        ways.append(_compiled("compiled", module, images, device))
        ways.append(_compiled("folded, compiled", folded, images, device))
    if device.type != "cpu":
        return ways
    try:
        ways.append(_onnxruntime(folding.network, folded, images))
    except ModuleNotFoundError as missing:
        tell(f"onnxruntime is left out, since {missing.name} is not installed")
    except Inexpressible as found:
        tell(f"onnxruntime is left out, since ONNX has no operator for {found}")
    return ways


def inference_race(
    ways: Sequence[InferenceWay], device: torch.device, *, rounds: int, seconds: float
) -> list[float]:
    """Return the median seconds of each way.

    They take turns, for at least `rounds` rounds and until `seconds` are over.

    Raises:
        UsageError: torch.compile does not work.
    """
    taken: list[list[float]] = [[] for _ in ways]
    start = perf_counter()
    with torch.inference_mode():
        while len(taken[0]) < WARM + rounds or perf_counter() - start < seconds:
            for way, times in zip(ways, taken, strict=True):
                times.append(_timed(way, device))
    return [median(times[WARM:]) for times in taken]


def _timed(way: InferenceWay, device: torch.device) -> float:
    before = perf_counter()
    way.run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter() - before


def _eager(
    name: str, module: nn.Module, images: Tensor, device: torch.device, *, last: bool = False
) -> InferenceWay:
    layout = torch.channels_last if last and images.dim() == 4 else torch.contiguous_format
    own = deepcopy(module).to(device).to(memory_format=layout)
    x = images.to(device).contiguous(memory_format=layout)
    return InferenceWay(name, lambda: own(x))


def _compiled(name: str, module: nn.Module, images: Tensor, device: torch.device) -> InferenceWay:
    own = torch.compile(deepcopy(module).to(device), dynamic=False)
    x = images.to(device)

    def run() -> object:
        with compiled_by_torch():
            return own(x)

    return InferenceWay(name, run)


def _onnxruntime(network: Network, module: nn.Module, images: Tensor) -> InferenceWay:
    """Raises ModuleNotFoundError, Inexpressible."""
    from onnxruntime import InferenceSession, SessionOptions

    def start(made: nn.Module) -> None:
        made.load_state_dict(module.state_dict())

    options = SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    content = to_onnx(network, start).content
    session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    x = images.numpy()
    return InferenceWay("folded, onnxruntime", lambda: session.run(None, {"images": x}))
