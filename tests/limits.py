"""Limits of CPU time that hold on slow and on busy machines, scaled by a fixed piece of work.

with soon(seconds=1):
    check(path)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

WORK = 0.13  # seconds of CPU that the piece of work takes where `seconds` are meant
ROOM = 2  # what is held is that nothing explodes, not that the machine has nothing else to do
ROUNDS = 3

HANGS = 120  # seconds on the clock after which a process is taken to wait for something that never comes


@contextmanager
def soon(seconds: float = 1) -> Iterator[None]:
    """Assert that the body takes no more CPU time than this."""
    start = process_time()
    yield
    assert_soon(process_time() - start, seconds)


def assert_soon(taken: float, seconds: float = 1) -> None:
    """Assert that a CPU time measured just now is within a limit, scaled to this machine."""
    if taken > seconds:
        allowed = seconds * ROOM * max(1, _slowness())
        assert taken < allowed, f"took {taken:.2f} s of CPU, and may take {allowed:.2f} s here"


def _slowness() -> float:
    return max(_work() for _ in range(ROUNDS)) / WORK


def _work() -> float:
    start = process_time()
    sorted(str(i * i % 99_991) for i in range(300_000))
    return process_time() - start
