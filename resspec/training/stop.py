"""Requests to stop a run: signals, and output that cannot be written.

The step is finished, a checkpoint is saved, and the exit code says so. All processes agree at the
end of a step. A second signal ends a single process at once, without the steps since the last
checkpoint.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from time import monotonic
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist

from resspec import streams
from resspec.diagnostics import ResspecError
from resspec.training.distributed.processes import Processes

# Windows has neither SIGHUP nor SIGXCPU.
SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU")
    if hasattr(signal, name)
)
BROKEN = 13  # SIGPIPE, for output without a reader
SAME = 0.5  # seconds within which the same signal is a copy, from `timeout` or a shell


class Stopped(ResspecError):
    """A run that was stopped on request, and can be resumed."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class Stop:
    """The request to stop.

    Attributes:
        asked: The number of the first signal, 0 while there was none.
    """

    def __init__(self, processes: Processes) -> None:
        self.asked = 0
        self._last = 0.0
        self._processes = processes
        self._group: Any = dist.new_group(backend="gloo") if processes.world > 1 else None
        self._flag = torch.zeros(1, dtype=torch.int64)
        self._answer: dist.Work | None = None

    @property
    def alone(self) -> bool:
        """Return whether no other process has to agree."""
        return self._group is None

    def agreed(self) -> int:
        """Return the signal that all processes know of; call it once at the end of each step.

        With several processes it comes a step later, so that none waits for the others.
        """
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
        """Wait for the last answer, which fails if a process has ended."""
        if self._answer is not None:
            with suppress(RuntimeError):
                self._answer.wait()
            self._answer = None

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._insists(number) and self._processes.world == 1:
            os._exit(128 + number)
        self.asked = self.asked or number
        self._last = monotonic()

    def _insists(self, number: int) -> bool:
        """Return whether this is a second request, and not a copy of the first.

        When a terminal is closed, both the system and the shell send SIGHUP; `timeout` sends its
        signal to the process and then to its group.
        """
        if not self.asked or number == getattr(signal, "SIGHUP", None):
            return False
        return number != self.asked or monotonic() - self._last > SAME

    def _broke(self, stream: int, error: OSError) -> None:
        del stream, error
        self.asked = self.asked or BROKEN


@contextmanager
def watched(processes: Processes) -> Iterator[Stop]:
    """Yield a Stop that handles signals and broken streams; restore their handlers afterwards.

    A signal that is ignored, as SIGHUP under nohup, stays ignored. Only the main thread can handle
    signals.
    """
    stop = Stop(processes)
    if streams.a_reader_is_gone():  # before there was anything to end
        stop.asked = BROKEN
    before = {}
    if current_thread() is main_thread():
        heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, stop._signalled) for number in heard}
    try:
        with streams.told(stop._broke):
            yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
            outer = getattr(handler, "__self__", None)
            if isinstance(outer, Stop):  # a request that came too late here is for it
                outer.asked = outer.asked or stop.asked


def reason(number: int) -> str:
    """Return the reason of a stop, for a sentence."""
    if number == BROKEN:
        return "because its output cannot be written"
    return f"by {signal.Signals(number).name}"
