"""Decisions about a run on this machine, made once before its first step.

They are recorded, since a resumed run must decide the same: precision and micro-batch change the
numbers, if not the method.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.passes.quantities import Facts
from resspec.training.distributed.processes import Processes
from resspec.training.distributed.share import share
from resspec.training.machine import Machine, bound, half, memory
from resspec.training.machine.budget import largest_part
from resspec.training.machine.speed import race
from resspec.training.recipe import Recipe
from resspec.units import size_of

# Multiply-accumulates of a step below which a second thread, bf16 and channels_last only cost.
SMALL = 200_000_000
# How much faster bf16 must be on a CPU, so that a rerun does not choose otherwise by chance.
GAIN = 1.15
UNKNOWN = (
    1 << 62
)  # bytes, in place of free memory that the system does not tell: then it limits nothing
CALIBRATED = 16  # images of a step by which it is told


def decide(network: Network, recipe: Recipe, processes: Processes, least: int = 1) -> Machine:
    """Decide how a network is trained.

    Args:
        network: The network.
        recipe: The recipe.
        processes: The processes that train together.
        least: The least number of images of a micro-batch.

    Raises:
        UsageError: The batch does not divide over the processes, or not even its smallest part fits
            into memory.
    """
    own = share(recipe, processes.world)
    facts = Facts(network)
    small = processes.device.type == "cpu" and own * facts.total("macs") < SMALL
    threads = 1 if small or processes.world > 1 else torch.get_num_threads()
    micro = (
        recipe.micro_batch_size
        if recipe.micro_batch_size != "auto"
        else micro_batch_size(network, recipe, processes, least)
    )
    machine = Machine("fp32", min(micro, own), not small, recipe.compile, threads)
    if recipe.precision != "auto":
        return replace(machine, precision=recipe.precision)
    if processes.device.type == "cuda":
        return replace(machine, precision=half(processes.device) or "fp32")
    return replace(
        machine,
        precision=processes.broadcast("fp32" if small else _faster(network, machine, processes)),
    )


def micro_batch_size(network: Network, recipe: Recipe, processes: Processes, least: int = 1) -> int:
    """Return the largest part of a process's share of the batch that fits into memory.

    It divides the share, is a multiple of `bn_batch_size`, and has at least `least` images. All
    processes use that of the one with the least memory. If the system does not report free memory,
    it is the share.

    Raises:
        UsageError: No such part fits.
    """
    own, device = share(recipe, processes.world), processes.device
    unit = recipe.bn_batch_size or 1
    smallest = max(unit, min(least, own))
    if recipe.memory:
        return largest_part(network, recipe, _parts(own, unit, smallest))
    available = memory(device)
    own_free = (
        UNKNOWN
        if available is None
        else available // (processes.world if device.type == "cpu" else 1)
    )
    free = processes.all_reduce_min(own_free)
    for part in _parts(own, unit, smallest):
        if _needed(network, recipe, part, device) < free:
            return part
    needed = _needed(network, recipe, smallest, device)
    images = f"{smallest} image{'s' * (smallest > 1)} at a time"
    told = f"this takes about {size_of(needed)} with {images}, but only "
    raise UsageError(
        f"{told}{size_of(free)} are free; use smaller images or a smaller `bn_batch_size`", "E0609"
    )


def _parts(own: int, unit: int, smallest: int) -> list[int]:
    """Return the sizes of equal parts of a batch that are multiples of a unit, largest first."""
    counts = range(1, own // smallest + 1)
    return [own // count for count in counts if own % count == 0 and own // count % unit == 0]


def _needed(network: Network, recipe: Recipe, images: int, device: torch.device) -> int:
    """Return the bytes of a step: the report's bound, with room for what it does not count.

    That is scratch memory and, on a CPU, holes in the heap: at most 1.8 times the bound in all was
    measured (DenseNet-121).
    """
    least = bound(network, recipe, images)
    return least * 2 if device.type == "cpu" else least * 4 // 3


def _faster(network: Network, machine: Machine, processes: Processes) -> str:
    """Return the precision that trains faster on this CPU now."""
    if not half(processes.device):
        return "fp32"
    ways = [replace(machine, precision=name, compile=False) for name in ("fp32", "bf16")]
    fp32, bf16 = race(
        network, ways, min(machine.micro_batch_size, CALIBRATED), processes.device, rounds=3
    )
    return "bf16" if bf16.step * GAIN < fp32.step else "fp32"
