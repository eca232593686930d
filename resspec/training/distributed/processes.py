"""The processes that train together, as `torchrun` starts them: one alone is the common case, and pays nothing for it."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from resspec.diagnostics import UsageError
from resspec.suggest import nearest
from resspec.training.distributed import roll_call
from resspec.training.distributed.roll_call import RollCall

T = TypeVar("T")

DEVICES = ("cpu", "cuda")
PATIENCE = timedelta(
    minutes=10
)  # with a process that is alive and silent; one that is dead is noticed at once


@dataclass(frozen=True)
class Processes:
    """`rank` of `world`, counted from 0, and the device of this one."""

    rank: int
    world: int
    device: torch.device
    roll_call: RollCall | None = None

    @property
    def is_main(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def ready(self) -> None:
        """Wait until every process has read what it was asked for. Raises UsageError where one of them failed.

        Gloo notices a process that has ended in the next exchange, NCCL waits for it.
        """
        if self.roll_call and self.device.type == "cuda":
            self.roll_call.ready(PATIENCE)

    def all_reduce_sum(self, values: Tensor) -> Tensor:
        """Return the sum over all processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def all_reduce_min(self, value: int) -> int:
        """Return the smallest value of any process."""
        if self.world > 1:
            found = torch.tensor(value, device=self.device)
            dist.all_reduce(found, dist.ReduceOp.MIN)
            value = int(found)
        return value

    def all_reduce_any(self, value: bool) -> bool:
        """Return whether it is true in any process."""
        if self.world == 1:
            return value
        flag = torch.tensor(float(value), device=self.device)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def gather(self, value: T) -> list[T]:
        """Return what every process has, in the order of their ranks; it travels as JSON."""
        return [self.broadcast(value, source=rank) for rank in range(self.world)]

    def broadcast(self, value: T, source: int = 0) -> T:
        """Return the value that the process `source` has; it travels as JSON, so nothing is unpickled."""
        if self.world == 1:
            return value
        text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8).to(
            self.device
        )
        length = torch.tensor(len(text), device=self.device)
        dist.broadcast(length, source)
        text = (
            text
            if self.rank == source
            else torch.empty(int(length), dtype=torch.uint8, device=self.device)
        )
        dist.broadcast(text, source)
        found: T = json.loads(bytes(text.tolist()))
        return found


@contextmanager
def joined(device: str | None = None) -> Iterator[Processes]:
    """Yield this process among those that torchrun started, or alone.

    Raises:
        UsageError: Another process did not start, or is gone.
    """
    world = roll_call.number("WORLD_SIZE", 1)
    if device is None:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
    place = _place(device)
    if world <= 1:
        yield Processes(0, 1, place)
        return
    if place.type == "cuda":
        torch.cuda.set_device(place)
    call = roll_call.join()
    backend = "nccl" if place.type == "cuda" else "gloo"
    try:
        dist.init_process_group(
            backend, timeout=PATIENCE, store=call.store, rank=call.rank, world_size=world
        )
        yield Processes(call.rank, world, place, call)
    except BaseException as error:
        if not lost_another(error):
            call.fail()
            raise
        signal.signal(
            signal.SIGTERM, signal.SIG_IGN
        )  # with which torchrun ends the others, soon and without a word
        raise UsageError(call.gone(), roll_call.CODE) from None
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def lost_another(error: BaseException) -> bool:
    """Return whether an exchange with another process failed."""
    if isinstance(error, dist.DistError):
        return True
    return isinstance(error, RuntimeError) and bool(
        re.search("gloo|nccl", str(error), re.IGNORECASE)
    )


def _place(device: str) -> torch.device:
    """Raises UsageError where there is no such device."""
    kind, _, number = device.partition(":")
    if kind not in DEVICES or (number and not number.isdecimal()):
        near = nearest(kind, DEVICES)
        raise UsageError(
            f"no device is called `{device}`; "
            + (f"did you mean `{near}`?" if near and near != kind else "use cpu, cuda or cuda:N")
        )
    found = torch.cuda.device_count() if kind == "cuda" else 1
    if int(number or 0) >= found:
        there = f"{found or 'no'} {'CPU' if kind == 'cpu' else 'GPU'}{'s' * (found > 1)}"
        raise UsageError(f"there is no device `{device}` here: torch finds {there}", remedy="cpu")
    return torch.device(device)
