"""What this machine decides about a run, once, before its first step; recorded, since a run that goes on must not decide
otherwise: the precision and the micro-batch change the numbers, if not the method."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from torch import nn

from resspec.diagnostics import UsageError
from resspec.ir.nodes import Network
from resspec.ir.quantities import DTYPES, Conditions
from resspec.passes.quantities import Facts
from resspec.train.processes import Processes
from resspec.train.recipe import Recipe

SMALL = 200_000_000  # multiply-accumulates of a step below which a second thread, bf16 and channels_last only cost
GAIN = 1.15  # what bf16 must be faster by on a CPU to be chosen: a rerun should not choose otherwise by chance
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Machine:
    """`micro_batch`: images that a process shows at a time."""

    precision: str
    micro_batch: int
    channels_last: bool
    compile: bool
    threads: int

    def autocast(self, device: torch.device) -> AbstractContextManager[None]:
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(device.type, TYPES[self.precision])

    def placed(self, module: nn.Module, device: torch.device) -> nn.Module:
        """On the device, in the memory format that was chosen."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return module.to(device).to(memory_format=layout)


def decide(network: Network, recipe: Recipe, processes: Processes) -> Machine:
    """Raises UsageError where not even the smallest part of a batch fits into memory."""
    share = recipe.batch // processes.world
    facts = Facts(network)
    small = processes.device.type == "cpu" and share * facts.total("macs") < SMALL
    threads = 1 if small or processes.world > 1 else torch.get_num_threads()
    micro = recipe.micro_batch if recipe.micro_batch != "auto" else micro_batch(network, recipe, processes)
    machine = Machine("fp32", min(micro, share), not small, recipe.compile, threads)
    if recipe.precision != "auto":
        return replace(machine, precision=recipe.precision)
    if processes.device.type == "cuda":
        return replace(machine, precision="bf16" if torch.cuda.is_bf16_supported() else "fp16")
    return machine if small else replace(machine, precision=processes.same(_faster(network, machine, processes)))


def memory(device: torch.device) -> int:
    """Bytes that are free."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines() if Path("/proc/meminfo").exists() else ():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 1 << 33


def bound(network: Network, recipe: Recipe, batch: int, dtype: str = "fp32") -> int:
    """Bytes that a step with so many images at a time takes at least: the report's training bound."""
    optimizer = recipe.optimizer.name if recipe.optimizer.name != "sgd" else "momentum" if recipe.optimizer.momentum else "sgd"
    names = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
    assert names[dtype] in DTYPES
    return Facts(network, Conditions(batch=batch, dtype=names[dtype], optimizer=optimizer)).total("training_bound_bytes")


def micro_batch(network: Network, recipe: Recipe, processes: Processes) -> int:
    """The largest part of a process's share of the batch that divides it, is a multiple of what batch norm sees, and fits:
    told from the report's bound, with a third more for what that does not count. Raises UsageError."""
    share = recipe.batch // processes.world
    unit = recipe.bn_batch or 1
    free = memory(processes.device) // (processes.world if processes.device.type == "cpu" else 1)
    for count in range(1, share // unit + 1):
        if share % count == 0 and (share // count) % unit == 0 and bound(network, recipe, share // count) * 4 // 3 < free:
            return share // count
    needed = bound(network, recipe, unit) * 4 // 3
    raise UsageError(f"this takes about {needed / 1e9:,.1f} GB with {unit} images at a time, and {free / 1e9:,.1f} GB are free")


def _faster(network: Network, machine: Machine, processes: Processes) -> str:
    """fp32 or bf16, whichever trains faster on this CPU now: a few steps of each, taking turns."""
    from resspec.backends.module import build

    with torch.random.fork_rng(devices=[]):
        module = machine.placed(build(network), processes.device)
        images = torch.randn(min(machine.micro_batch, 16), *network.input.dims)
    seconds: dict[str, list[float]] = {"fp32": [], "bf16": []}
    for turn in range(4):
        for precision, times in seconds.items():
            start = perf_counter()
            with Machine(precision, 1, False, False, 1).autocast(processes.device):
                module(images).float().sum().backward()
            if turn:  # the first one finds its kernels
                times.append(perf_counter() - start)
    return "bf16" if median(seconds["bf16"]) * GAIN < median(seconds["fp32"]) else "fp32"
