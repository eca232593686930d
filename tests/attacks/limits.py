"""What an attack may cost: a second of CPU time, scaled to the machine, and little memory."""

from __future__ import annotations

from tests.attacks.confined import Taken
from tests.limits import assert_soon

MOST_BYTES = 256_000_000  # of the whole process


def assert_refused(taken: Taken, code: str) -> None:
    """By one diagnostic, at once, in little memory."""
    assert taken.code == 1, taken
    assert [diagnostic["code"] for diagnostic in taken.diagnostics] == [code]
    assert_small(taken)


def assert_small(taken: Taken) -> None:
    assert_soon(taken.seconds)
    assert taken.bytes < MOST_BYTES
