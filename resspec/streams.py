"""The standard streams: closed ones become the null device, and broken ones are handled here.

A stream breaks where its reader is gone (EPIPE), its disk is full (ENOSPC), its terminal is closed
(EIO). From then on it is the null device, so that nothing fails a second time. What else happens
depends on the command:

- By default `OutputLost` is raised where a result cannot be written, or its reader is gone.
- Within `going_on` nothing is raised: the work matters more than its output.
- Within `told` a function is called, which may request that the work stops.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

STDIN, STDOUT, STDERR = 0, 1, 2

OnBroken = Callable[[int, OSError], None]


class OutputLost(Exception):
    """A result that cannot be written, or that nobody reads any more."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.reader_is_gone = error.errno == errno.EPIPE


_broken: dict[int, OSError] = {}
_replaced: list[TextIO | None] = []  # kept: a stream that nobody refers to closes its file


def _refuse(number: int, error: OSError) -> None:
    if number == STDOUT or error.errno == errno.EPIPE:
        raise OutputLost(error)


_on_broken: OnBroken = _refuse


def protect() -> None:
    """Open the null device in place of closed streams, and watch stdout and stderr from now on.

    If a closed stream stayed closed, the next file to be opened would get its number, and receive
    all that is printed.
    """
    for number in (STDIN, STDOUT, STDERR):
        _open_if_closed(number)

    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    _replaced.extend((sys.stdout, sys.stderr))
    sys.stdout = _watched(sys.stdout, STDOUT)
    sys.stderr = _watched(sys.stderr, STDERR)


@contextmanager
def going_on() -> Iterator[None]:
    """Let the work go on where a stream breaks."""
    with told(lambda *_: None):
        yield


@contextmanager
def told(on_broken: OnBroken) -> Iterator[None]:
    """Call a function with the number of a stream that breaks, and with why, instead of raising."""
    global _on_broken  # noqa: PLW0603
    before, _on_broken = _on_broken, on_broken
    try:
        yield
    finally:
        _on_broken = before


def broken(number: int) -> OSError | None:
    """Return why this stream broke, or None where it did not."""
    return _broken.get(number)


def a_reader_is_gone() -> bool:
    """Return whether what is printed went into a pipe that nobody reads any more."""
    return any(error.errno == errno.EPIPE for error in _broken.values())


def _open_if_closed(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        with suppress(OSError):  # a system without a null device
            opened = os.open(
                os.devnull, os.O_RDWR
            )  # the lowest number that is free, which is this one
            os.set_inheritable(opened, True)


def _watched(stream: TextIO | None, number: int) -> TextIO:
    """Return the same stream on a raw file of ours; the stream of a notebook is left alone."""
    if stream is None:
        return _text(_Raw(number), "utf-8", line_buffering=number == STDERR)
    if os.name != "posix" or not isinstance(stream, io.TextIOWrapper) or _number(stream) != number:
        return stream
    with suppress(OSError):
        stream.flush()
    line_buffering = stream.line_buffering or number == STDERR
    return _text(
        _Raw(number),
        stream.encoding,
        line_buffering=line_buffering,
        write_through=stream.write_through,
    )


def _text(raw: _Raw, encoding: str, *, line_buffering: bool, write_through: bool = False) -> TextIO:
    """`write_through`: unbuffered, as under PYTHONUNBUFFERED."""
    buffer: Any = raw if write_through else io.BufferedWriter(raw)
    return io.TextIOWrapper(
        buffer,
        encoding,
        "backslashreplace",
        line_buffering=line_buffering,
        write_through=write_through,
    )


def _number(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return None


class _Raw(io.FileIO):
    """A standard stream that is never closed, and waits where it cannot take more at once."""

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)

    def write(self, content: Any) -> int:
        """Write all of it."""
        left = memoryview(content)
        try:
            while left:
                written = super().write(left)
                if written is None:
                    select.select((), (self.fileno(),), ())
                else:
                    left = left[written:]
        except OSError as error:
            self._break(error)
        return memoryview(content).nbytes

    def _break(self, error: OSError) -> None:
        number = self.fileno()
        with suppress(OSError):  # too many files are open: it fails again, and this comes again
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, number)
            os.close(null)
        _broken.setdefault(number, error)
        _on_broken(number, error)
