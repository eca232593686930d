"""What an attack may take."""

from __future__ import annotations

from tests.attacks.confined import Taken

MOST_SECONDS, MOST_BYTES = 2, 256_000_000  # of CPU, where the promise is one on a quiet machine; of the whole process


def assert_refused(taken: Taken, code: str) -> None:
    """By one diagnostic, at once, in little memory."""
    assert taken.code == 1, taken
    assert [diagnostic["code"] for diagnostic in taken.diagnostics] == [code]
    assert_small(taken)


def assert_small(taken: Taken) -> None:
    assert taken.seconds < MOST_SECONDS
    assert taken.bytes < MOST_BYTES
