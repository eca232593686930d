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
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from resspec.diagnostics import UsageError
from resspec.suggest import nearest
from resspec.train import heap

T = TypeVar("T")

DEVICES = ("cpu", "cuda")
ROLL_CALL = timedelta(seconds=3)  # for those that are left to say so
PATIENCE = timedelta(
    minutes=10
)  # with a process that is alive and silent; one that is dead is noticed at once


@dataclass(frozen=True)
class Processes:
    """`rank` of `world`, counted from 0, and the device of this one."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and shows."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Of all processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def least(self, value: int) -> int:
        """The smallest that one of them has."""
        if self.world > 1:
            found = torch.tensor(value, device=self.device)
            dist.all_reduce(found, dist.ReduceOp.MIN)
            value = int(found)
        return value

    def any(self, value: bool) -> bool:
        """Whether it is so in one of them."""
        if self.world == 1:
            return value
        flag = torch.tensor(float(value), device=self.device)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag)

    def gather(self, value: T) -> list[T]:
        """Return what every process has, in the order of their ranks; it travels as JSON."""
        return [self.same(value, source=rank) for rank in range(self.world)]

    def same(self, value: T, source: int = 0) -> T:
        """What the process `source` has; it goes as JSON, nothing is unpickled."""
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
    """This process among those that torchrun started, or alone. Raises UsageError where another one is gone."""
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if device is None:
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
    place = _place(device)
    if place.type == "cpu":
        heap.hold()
    if world == 1:
        yield Processes(0, 1, place)
        return
    if place.type == "cuda":
        torch.cuda.set_device(place)
    store, rank, world = next(rendezvous("env://", timeout=PATIENCE))
    backend = "nccl" if place.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=PATIENCE, store=store, rank=rank, world_size=world)
    try:
        yield Processes(rank, world, place)
    except RuntimeError as error:
        if not lost_another(error):
            raise
        signal.signal(
            signal.SIGTERM, signal.SIG_IGN
        )  # with which torchrun ends the others, soon and without a word
        raise UsageError(_gone(store, rank, world), "E0614") from None
    finally:
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
            + (
                f"did you mean `{near}`?"
                if near and near != kind
                else "there is cpu, cuda and cuda:N"
            )
        )
    found = torch.cuda.device_count() if kind == "cuda" else 1
    if int(number or 0) >= found:
        there = f"{found or 'no'} {'CPU' if kind == 'cpu' else 'GPU'}{'s' * (found > 1)}"
        raise UsageError(f"there is no device `{device}` here: torch finds {there}", remedy="cpu")
    return torch.device(device)


def _gone(store: Any, rank: int, world: int) -> str:
    """Which processes do not answer: those that are left tell one another so, by way of torchrun, which outlives them."""
    missing = []
    left = f"left/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
    try:
        store.set(f"{left}/{rank}", "")
        for other in set(range(world)) - {rank}:
            try:
                store.wait([f"{left}/{other}"], ROLL_CALL)
            except dist.DistStoreError:
                missing.append(str(other))
    except RuntimeError:  # nor does the store
        missing = ["0"]
    which = (
        f"process {', '.join(missing)} of 0 to {world - 1} has ended"
        if missing
        else "the processes lost one another"
    )
    return (
        f"{which}; this is process {rank}, which cannot continue alone; run the same command again"
    )
