"""SIGINT and SIGTERM ask for an end: the step is finished, a checkpoint is saved, and the exit code says so. All processes
agree at a step's end. A signal after the first ends a lone process at once, which costs the steps since the last checkpoint."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist

from resspec.diagnostics import ResspecError
from resspec.train.processes import Processes

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(ResspecError):
    """A run that was asked to end, and can go on from where it stands."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class Stop:
    """`asked`: the number of the first signal, 0 while there was none."""

    def __init__(self, processes: Processes) -> None:
        self.asked = 0
        self._processes = processes
        self._group: Any = dist.new_group(backend="gloo") if processes.world > 1 else None
        self._flag = torch.zeros(1, dtype=torch.int64)
        self._answer: dist.Work | None = None

    @property
    def alone(self) -> bool:
        """Whether no other process has to agree."""
        return self._group is None

    def agreed(self) -> int:
        """The signal that all processes know of, once at each step's end; with several a step after the signal, so that none
        waits for the others."""
        if self._group is None:
            return self.asked
        if self._answer is not None:
            self._answer.wait()
            if known := int(self._flag):
                self._answer = None
                return known
        self._flag.fill_(self.asked)
        self._answer = dist.all_reduce(self._flag, dist.ReduceOp.MAX, self._group, async_op=True)
        return 0

    def settle(self) -> None:
        """Before other exchanges end: waits for the last answer, which does not come where a process is gone."""
        if self._answer is not None:
            with suppress(RuntimeError):
                self._answer.wait()
            self._answer = None

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.asked and self._processes.world == 1:
            os._exit(128 + number)
        self.asked = self.asked or number


@contextmanager
def watched(processes: Processes) -> Iterator[Stop]:
    """A Stop that hears signals; afterwards they do again what they did before."""
    stop = Stop(processes)
    before = {number: signal.signal(number, stop._signalled) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
