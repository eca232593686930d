"""What asks a run for an end: signals, and a stream that breaks. The step is finished, a checkpoint is saved, and the exit code
says so. All processes agree at a step's end. A signal after the first ends a lone process at once, which costs the steps since
the last checkpoint."""

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

# Where there is no SIGHUP, as on Windows, there is no closing of a terminal to hear of either.
SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU")
    if hasattr(signal, name)
)
BROKEN = 13  # SIGPIPE, by whose number a program tells that nobody reads what it prints
SAME = 0.5  # seconds in which a signal that comes again is one that was passed on: by `timeout`, by a shell


class Stopped(ResspecError):
    """A run that was asked to end, and can go on from where it stands."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class Stop:
    """`asked`: the number of the first signal, 0 while there was none."""

    def __init__(self, processes: Processes) -> None:
        self.asked = 0
        self._last = 0.0
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
        if self._insists(number) and self._processes.world == 1:
            os._exit(128 + number)
        self.asked = self.asked or number
        self._last = monotonic()

    def _insists(self, number: int) -> bool:
        """Return whether this is a second request, and not the first one once more.

        A closed terminal sends SIGHUP by the system and by the shell; `timeout` sends its signal to the process and then to
        the process's group.
        """
        if not self.asked or number == getattr(signal, "SIGHUP", None):
            return False
        return number != self.asked or monotonic() - self._last > SAME

    def _broke(self, stream: int, error: OSError) -> None:
        del stream, error
        self.asked = self.asked or BROKEN


@contextmanager
def watched(processes: Processes) -> Iterator[Stop]:
    """Yield a Stop that hears signals and of streams that break; afterwards they do again what they did before.

    A signal that is ignored, as SIGHUP is under nohup, stays ignored. Only the main thread can hear signals.
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
            if isinstance(
                outer := getattr(handler, "__self__", None), Stop
            ):  # what came too late here is meant for it
                outer.asked = outer.asked or stop.asked


def reason(number: int) -> str:
    """Return what asked for the end, for a sentence."""
    return (
        "because its output cannot be written"
        if number == BROKEN
        else f"by {signal.Signals(number).name}"
    )
