"""The machine of a run: what was chosen for it, and its free memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from resspec import heap
from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.ir.quantities import DTYPES, Conditions
from resspec.passes.quantities import Facts
from resspec.training.recipe import Recipe

MEMINFO = Path("/proc/meminfo")  # of Linux alone
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Machine:
    """`micro_batch_size`: images that a process shows at a time."""

    precision: str
    micro_batch_size: int
    channels_last: bool
    compile: bool
    threads: int

    def autocast(self, device: torch.device) -> AbstractContextManager[None]:
        """Return the context of a forward pass in the chosen precision."""
        return autocast(self.precision, device)

    def placed(self, module: nn.Module, device: torch.device) -> nn.Module:
        """Return the module on the device, in the memory format that was chosen."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return module.to(device).to(memory_format=layout)


def autocast(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Return the context of a forward pass in a precision, `fp32`, `bf16` or `fp16`."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, TYPES[precision])


@contextmanager
def compiled_by_torch() -> Iterator[None]:
    """Raise UsageError if the code inside is compiled by torch.compile and that fails."""
    try:
        yield
    except torch._dynamo.exc.TorchDynamoException as error:
        raise UsageError(
            f"torch.compile does not work here: {str(error).strip().splitlines()[0]}"
        ) from None


def half(device: torch.device) -> str | None:
    """Return the half precision that trains fast on a device, if there is one.

    There is none on a CPU whose oneDNN has no bfloat16 convolutions: torch's own took ten times as
    long as those in float32 (torch 2.14, AVX2).
    """
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return (
        "bf16"
        if torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        else None
    )


def memory(device: torch.device) -> int | None:
    """Return the number of free bytes; None if the system does not say (only Linux does)."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    heap.trim()
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    found = (re.fullmatch(r"MemAvailable:\s+(\d+) kB", line) for line in lines)
    return next((int(each[1]) * 1024 for each in found if each), None)


def bound(network: Network, recipe: Recipe, batch: int, dtype: str = "fp32") -> int:
    """Return the least bytes of a step with a micro-batch: the report's training bound."""
    return Facts(network, conditions(recipe, batch, dtype)).total("training_bound_bytes")


def conditions(recipe: Recipe, batch: int, dtype: str = "fp32") -> Conditions:
    """Return the conditions of a step with a micro-batch, for the report's quantities."""
    optimizer = (
        recipe.optimizer.name
        if recipe.optimizer.name != "sgd"
        else "momentum"
        if recipe.optimizer.momentum
        else "sgd"
    )
    names = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
    assert names[dtype] in DTYPES
    return Conditions(batch, names[dtype], optimizer, recipe.never_trained)
