"""The machine that a run is on: what was chosen for it, and what it has room for."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from resspec.diagnostics import UsageError
from resspec.ir.nodes import Network
from resspec.ir.quantities import DTYPES, Conditions
from resspec.passes.quantities import Facts
from resspec.train.recipe import Recipe

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h
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


@contextmanager
def compiled_by_torch() -> Iterator[None]:
    """Around what may be compiled as it is first run. Raises UsageError where torch.compile does not work."""
    try:
        yield
    except torch._dynamo.exc.TorchDynamoException as error:
        raise UsageError(f"torch.compile does not work here: {str(error).strip().splitlines()[0]}") from None


def precisions(device: torch.device) -> tuple[str, ...]:
    """What is worth a try there. On a CPU bfloat16 needs AVX-512, from which on oneDNN convolves in it: below that a step takes
    ten times as long."""
    if device.type == "cuda":
        return ("fp32", "bf16", "fp16") if torch.cuda.is_bf16_supported() else ("fp32", "fp16")
    return ("fp32",) if torch.backends.cpu.get_cpu_capability() == "AVX2" else ("fp32", "bf16")


def hold_memory() -> None:
    """What a step on a CPU frees stays with this process for the next one, by glibc's mallopt(3). Else large tensors go back to
    the system and come again, with a page fault for each 4 KiB: up to a quarter of a step."""
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):  # which not every libc has
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


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
