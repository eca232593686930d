"""The processes that train together, as `torchrun` starts them; usually there is only one."""

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
from torch.distributed.rendezvous import rendezvous

from resspec.diagnostics import UsageError
from resspec.suggest import nearest

T = TypeVar("T")

DEVICES = ("cpu", "cuda")
CODE = "E0614"
JOINING = 120  # seconds for all processes to start, unless RESSPEC_JOIN_TIMEOUT is set
PATIENCE = timedelta(minutes=10)  # with a process that is alive but silent


@dataclass(frozen=True)
class Processes:
    """This process among those that train together.

    Attributes:
        rank: Its number, from 0.
        world: How many processes there are.
        device: The device of this one.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """Return whether this is the process that writes and prints."""
        return self.rank == 0

    def all_reduce_sum(self, values: Tensor) -> Tensor:
        """Return the sum over all processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def all_reduce_min(self, value: int) -> int:
        """Return the smallest value of any process."""
        return min(self.gather(value))

    def all_reduce_any(self, value: bool) -> bool:
        """Return whether it is true in any process."""
        flag = self.all_reduce_sum(torch.tensor(int(value), device=self.device))
        return bool(flag)

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes by rank; they are sent as JSON."""
        return [self.broadcast(value, source=rank) for rank in range(self.world)]

    def broadcast(self, value: T, source: int = 0) -> T:
        """Return the value of the process `source`, sent as JSON: nothing is unpickled."""
        if self.world == 1:
            return value
        content = json.dumps(value).encode() if self.rank == source else b""
        length = torch.tensor(len(content), device=self.device)
        dist.broadcast(length, source)
        text = torch.zeros(int(length), dtype=torch.uint8)
        if content:
            text = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        text = text.to(self.device)
        dist.broadcast(text, source)
        found: T = json.loads(bytes(text.tolist()))
        return found


@contextmanager
def joined(device: str | None = None) -> Iterator[Processes]:
    """Yield this process among those that torchrun started, or alone.

    Args:
        device: `cpu`, `cuda` or `cuda:N`; by default a GPU where there is one.

    Raises:
        UsageError: There is no such device, or another process did not start or has ended.
    """
    rank, world = _number("RANK", 0), _number("WORLD_SIZE", 1)
    if device is None:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
    place = _place(device)
    if world <= 1:
        yield Processes(0, 1, place)
        return

    if rank >= world:
        ranks = f"RANK={rank} and WORLD_SIZE={world}"
        raise UsageError(f"the environment variables {ranks} do not fit together", CODE)
    if place.type == "cuda":
        torch.cuda.set_device(place)
    try:
        _join(rank, world, "nccl" if place.type == "cuda" else "gloo")
        yield Processes(rank, world, place)
    except BaseException as error:
        if not lost_another(error):
            raise
        # torchrun is about to end this process by SIGTERM, before it could print its message.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ended = "another process of this job has ended; its own output says why"
        own = f"this is process {rank} of 0 to {world - 1}, which cannot continue alone"
        raise UsageError(f"{ended}; {own}; run the same command again", CODE) from None
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def lost_another(error: BaseException) -> bool:
    """Return whether an exchange with another process failed."""
    if isinstance(error, dist.DistError):
        return True
    is_backend = re.search("gloo|nccl", str(error), re.IGNORECASE)
    return isinstance(error, RuntimeError) and bool(is_backend)


def _join(rank: int, world: int, backend: str) -> None:
    seconds = _number("RESSPEC_JOIN_TIMEOUT", JOINING)
    try:
        store, *_ = next(rendezvous("env://", rank, world, timeout=timedelta(seconds=seconds)))
    except (dist.DistError, ValueError) as error:
        place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        why = next(iter(str(error).splitlines()), type(error).__name__)
        problem = f"cannot join the other processes at {place} within {seconds} seconds: {why}"
        advice = "start all of them with torchrun, or set MASTER_ADDR and MASTER_PORT"
        raise UsageError(f"{problem}; {advice}", CODE) from None
    dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=PATIENCE)


def _number(name: str, default: int) -> int:
    """Return the whole number in an environment variable."""
    given = os.environ.get(name) or str(default)
    if given.isascii() and given.isdecimal() and len(given) < 9:
        return int(given)
    problem = f"the environment variable {name} is {given!r}, not a whole number"
    raise UsageError(f"{problem}; torchrun sets it", CODE)


def _place(device: str) -> torch.device:
    kind, _, number = device.partition(":")
    if kind not in DEVICES or (number and not number.isdecimal()):
        near = nearest(kind, DEVICES)
        hint = f"did you mean `{near}`?" if near and near != kind else "use cpu, cuda or cuda:N"
        raise UsageError(f"no device is called `{device}`; {hint}")

    found = torch.cuda.device_count() if kind == "cuda" else 1
    if int(number or 0) >= found:
        unit = "CPU" if kind == "cpu" else "GPU"
        there = f"{found or 'no'} {unit}{'s' * (found > 1)}"
        raise UsageError(f"there is no device `{device}` here: torch finds {there}", remedy="cpu")
    return torch.device(device)
