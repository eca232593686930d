"""Exceptions and failures of the system, injected into a trainer as it runs."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

PACKAGE = str(Path(__file__).parents[2] / "resspec") + os.sep
TRAINER = (PACKAGE + "training" + os.sep, PACKAGE + "files.py")  # where lines are counted
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

ERRORS: dict[str, Callable[[], BaseException]] = {
    "ZeroDivisionError": lambda: ZeroDivisionError("division by zero"),
    "RuntimeError": lambda: RuntimeError("injected"),
    "AssertionError": AssertionError,
    "MemoryError": MemoryError,
    "RecursionError": lambda: RecursionError("maximum recursion depth exceeded"),
    "SystemExit": lambda: SystemExit(0),
    "KeyboardInterrupt": KeyboardInterrupt,
    "ENOSPC": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "EIO": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "EMFILE": lambda: OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and where.

    Attributes: error: One of ERRORS. place: `FILE:LINE` of the package, from where training begins;
    or `module:Class.function`; or `files`: where a file of the run is opened to be written, made,
    renamed, removed, or brought to the disk. number: At which time it is reached. lasts: Whether it
    stays so from then on, as a disk stays full.
    """

    error: str
    place: str
    number: int = 1
    lasts: bool = False

    @property
    def raised(self) -> BaseException:
        return ERRORS[self.error]()

    def install(self) -> None:
        match self.place.partition(":"):
            case "files", _, _:
                self._in_files()
            case module, _, name if not module.endswith(".py"):
                self._in_function(module, name)
            case _:
                self._in_line()

    def _in_line(self) -> None:
        file, _, number = self.place.partition(":")
        wanted, left = (PACKAGE + file, int(number)), self.number

        def local(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            if event == "line" and frame.f_lineno == wanted[1]:
                left -= 1
                if left == 0:
                    raise self.raised  # which ends the tracing, too
            return local

        _trace_training(lambda frame, *_: local if frame.f_code.co_filename == wanted[0] else None)

    def _in_function(self, module: str, name: str) -> None:
        *owners, last = name.split(".")
        owner = import_module(module)
        for each in owners:
            owner = getattr(owner, each)
        function, left = getattr(owner, last), self.number

        def failing(*given: Any, **more: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise self.raised
            return function(*given, **more)

        setattr(owner, last, failing)

    def _in_files(self) -> None:
        left, trainer, sync = self.number, os.getpid(), os.fsync

        def happens() -> None:
            nonlocal left
            if os.getpid() == trainer:
                left -= 1
                if left == 0 or (left < 0 and self.lasts):
                    raise self.raised

        def failing_sync(descriptor: int) -> None:
            happens()
            sync(descriptor)

        os.fsync = failing_sync  # type: ignore[assignment]
        sys.addaudithook(lambda event, given: happens() if _is_write(event, given) else None)


def _is_write(event: str, given: tuple[Any, ...]) -> bool:
    if event == "open":
        path, _, flags = given
        is_written = isinstance(flags, int) and flags & WRITES
        return (
            bool(is_written)
            and not isinstance(path, int)
            and not str(path).startswith(("/dev", "/tmp/crash", "crash"))
        )
    return event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir")


def _trace_training(trace: Callable[[FrameType, str, Any], Any]) -> None:
    """From where a run begins, which all checks came before."""
    from resspec.training import trainer

    train = trainer.train

    def traced(*given: Any, **more: Any) -> Any:
        sys.settrace(trace)
        return train(*given, **more)

    trainer.train = traced


class Lines:
    """How often training reaches each line of the trainer, written to a file when it ends."""

    def __init__(self, file: Path) -> None:
        self.file, self.reached, self.process = file, Counter[str](), os.getpid()

    def install(self) -> None:
        _trace_training(self._called)

    def save(self) -> None:
        sys.settrace(None)
        if os.getpid() == self.process:
            self.file.write_text(json.dumps(self.reached), encoding="utf-8")

    def _called(self, frame: FrameType, event: str, _: Any) -> Any:
        del event
        return self._line if frame.f_code.co_filename.startswith(TRAINER) else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self.reached[f"{frame.f_code.co_filename.removeprefix(PACKAGE)}:{frame.f_lineno}"] += 1
        return self._line
