"""What an attack may take: on a machine where a fixed piece of work takes WORK seconds, a second; on one that is slower just
then, since it is another or is shared, as much more."""

from __future__ import annotations

from time import process_time

from tests.attacks.confined import Taken

MOST_SECONDS, MOST_BYTES = 1, 256_000_000  # of CPU; of the whole process
WORK = 0.13  # where the heaviest attack takes 0.6 s


def assert_refused(taken: Taken, code: str) -> None:
    """By one diagnostic, at once, in little memory."""
    assert taken.code == 1, taken
    assert [diagnostic["code"] for diagnostic in taken.diagnostics] == [code]
    assert_small(taken)


def assert_small(taken: Taken) -> None:
    assert taken.seconds < MOST_SECONDS or taken.seconds < MOST_SECONDS * _slowness()
    assert taken.bytes < MOST_BYTES


def _slowness() -> float:
    start = process_time()
    sorted(str(i * i % 99_991) for i in range(300_000))
    return (process_time() - start) / WORK
