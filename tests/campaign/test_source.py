"""Emitted files of 20,000 random networks against the modules built of the same IR. Stopped at any time, it goes on."""

from __future__ import annotations

from pathlib import Path

from tests.backends.random_networks import random_network
from tests.backends.test_source import assert_twins

NETWORKS = 20_000
FIRST = 1_000_000  # seeds that the tests do not use
PROGRESS = Path(__file__).parents[2] / "build" / "campaign" / "source.txt"


def test_random_networks() -> None:
    """`build/campaign/source.txt` holds how many have agreed; a disagreement stops there until it is gone."""
    PROGRESS.parent.mkdir(parents=True, exist_ok=True)
    done = int(PROGRESS.read_text(encoding="utf-8")) if PROGRESS.exists() else 0
    for seed in range(FIRST + done, FIRST + NETWORKS):
        assert_twins(random_network(seed))
        PROGRESS.write_text(f"{seed - FIRST + 1}\n", encoding="utf-8")
        print(f"\r{seed - FIRST + 1:,} of {NETWORKS:,} networks: no difference", end="", flush=True)
    print()
