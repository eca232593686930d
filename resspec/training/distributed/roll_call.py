"""Which of the processes that train together are there: each says so in a store that all of them reach.

Unlike an exchange of tensors, which blocks until every process takes part, it tells which one is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from resspec.diagnostics import UsageError

CODE = "E0614"
JOINING = 120  # seconds for all processes to start; RESSPEC_JOIN_TIMEOUT is another number
LEFT = timedelta(seconds=3)  # for those that are left to say so
READY, FAILED = "ready", "failed"


class RollCall:
    """The store of one process, `rank` of `world`."""

    def __init__(self, store: Any, rank: int, world: int) -> None:
        self.store = store
        self.rank = rank
        self.others = [other for other in range(world) if other != rank]
        self._attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")

    def join(self, patience: timedelta) -> None:
        """Wait until every process has started. Raises UsageError naming those that have not."""
        self._say("joined")
        self._wait_for(
            "joined", patience, f"did not start within {patience.total_seconds():g} seconds"
        )

    def ready(self, patience: timedelta) -> None:
        """Wait until every process has read what it was asked for. Raises UsageError where one of them failed."""
        self._say("state", READY)
        self._wait_for(
            "state", patience, f"did not get ready within {patience.total_seconds():g} seconds"
        )
        try:
            failed = [
                other
                for other in self.others
                if self.store.get(self._key("state", other)) == FAILED.encode()
            ]
        except RuntimeError:
            failed = [0]  # which keeps the store
        if failed:
            raise UsageError(self._cannot_continue(failed, "stopped before training began"), CODE)

    def fail(self) -> None:
        """Tell the others that this process ends."""
        with suppress(RuntimeError):
            self._say("state", FAILED)

    def gone(self) -> str:
        """Return a sentence about which processes have ended: those that do not answer."""
        missing = []
        try:
            self._say("left")
            for other in self.others:
                try:
                    self.store.wait([self._key("left", other)], LEFT)
                except dist.DistStoreError:
                    missing.append(other)
        except RuntimeError:  # nor does the store
            missing = [0]
        if missing:
            last = len(self.others)
            which = f"process {_listed(missing)} of 0 to {last} has ended"
        else:
            which = "the processes lost one another"
        return f"{which}; this is process {self.rank}, which cannot continue alone; run the same command again"

    def _wait_for(self, what: str, patience: timedelta, otherwise: str) -> None:
        """Raises UsageError."""
        keys = {other: self._key(what, other) for other in self.others}
        try:
            try:
                self.store.wait(list(keys.values()), patience)
                return
            except dist.DistStoreError:
                missing = [other for other, key in keys.items() if not self.store.check([key])]
        except RuntimeError:  # the store is gone, and with it the process that keeps it
            missing, otherwise = [0], "ended"
        raise UsageError(self._cannot_continue(missing, otherwise), CODE) from None

    def _cannot_continue(self, missing: list[int], what: str) -> str:
        if len(missing) == 1:
            told = f"process {missing[0]} {what}; its own output says why"
        else:
            told = f"processes {_listed(missing)} {what}; their own output says why"
        return f"{told}; this is process {self.rank}, which cannot continue alone"

    def _say(self, what: str, value: str = "") -> None:
        self.store.set(self._key(what, self.rank), value)

    def _key(self, what: str, rank: int) -> str:
        return f"{what}/{self._attempt}/{rank}"


def join() -> RollCall:
    """Return the roll call of this process, once all are there.

    Raises:
        UsageError: The environment is not as torchrun makes it, or a process did not start in time.
    """
    rank, world = number("RANK", 0), number("WORLD_SIZE", 1)
    if rank >= world:
        raise UsageError(
            f"the environment variables RANK={rank} and WORLD_SIZE={world} do not fit together: ranks start at 0"
        )
    patience = timedelta(seconds=number("RESSPEC_JOIN_TIMEOUT", JOINING))
    place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
    try:
        # As if each were alone, so that a store that exists does not itself wait for the others.
        store, *_ = next(rendezvous("env://", rank, 1, timeout=patience))
    except dist.DistError as error:
        if rank == 0:
            raise UsageError(
                f"cannot listen on {place} for the other processes: {_first_line(error)}", CODE
            ) from None
        told = f"process 0 did not start at {place} within {patience.total_seconds():g} seconds"
        raise UsageError(f"{told}; its own output says why; this is process {rank}", CODE) from None
    except ValueError as error:
        told = f"cannot join the other processes at {place}: {_first_line(error)}"
        raise UsageError(
            f"{told}; start them with torchrun, or set MASTER_ADDR and MASTER_PORT", CODE
        ) from None
    found = RollCall(store, rank, world)
    found.join(patience)
    return found


def number(name: str, otherwise: int) -> int:
    """Return the number in an environment variable. Raises UsageError where it is not one."""
    given = os.environ.get(name) or str(otherwise)
    if not (given.isascii() and given.isdecimal() and len(given) < 9):
        raise UsageError(
            f"the environment variable {name} is {given!r}, not a whole number; torchrun sets it",
            CODE,
        )
    return int(given)


def _listed(ranks: Iterable[int]) -> str:
    return ", ".join(map(str, ranks))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
