"""Who is there, by a store that several processes reach."""

from __future__ import annotations

from datetime import timedelta

import pytest
import torch.distributed as dist

from resspec.diagnostics import UsageError
from resspec.training.distributed.roll_call import RollCall

SOON = timedelta(milliseconds=50)


def three() -> list[RollCall]:
    store = dist.HashStore()  # type: ignore[attr-defined]
    return [RollCall(store, rank, 3) for rank in range(3)]


def test_all_are_ready() -> None:
    first, *others = three()
    for other in others:
        with pytest.raises(UsageError, match=r"did not get ready"):
            other.ready(SOON)
    first.ready(SOON)


def test_one_that_failed_is_named() -> None:
    first, second, third = three()
    third.fail()
    with pytest.raises(UsageError, match=r"process 0 did not get ready within 0\.05 seconds"):
        second.ready(SOON)
    with pytest.raises(
        UsageError, match=r"process 2 stopped before training began; .* this is process 0"
    ):
        first.ready(SOON)


def test_those_that_do_not_join_are_named() -> None:
    first, second, _ = three()
    with pytest.raises(UsageError, match=r"processes 0, 2 did not start within 0\.05 seconds"):
        second.join(SOON)
    with pytest.raises(UsageError, match=r"process 2 did not start within 0\.05 seconds"):
        first.join(SOON)


def test_another_attempt_counts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    store = dist.HashStore()  # type: ignore[attr-defined]
    RollCall(store, 1, 2).fail()
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    first, second = (RollCall(store, rank, 2) for rank in range(2))
    with pytest.raises(UsageError, match=r"process 0 did not get ready"):
        second.ready(SOON)
    first.ready(SOON)
