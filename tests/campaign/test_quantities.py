"""Every quantity of 20,000 random specs against its reference. Stopped at any time, the same command goes on."""

from __future__ import annotations

from pathlib import Path

from tests.passes.differential import disagreements

SPECS = 20_000
FIRST = 1_000_000  # seeds that the tests do not use
STEP = 50
PROGRESS = Path(__file__).parents[2] / "build" / "campaign" / "quantities.txt"


def test_random_specs(tmp_path: Path) -> None:
    """`build/campaign/quantities.txt` holds how many have agreed; a disagreement stops there until it is gone."""
    PROGRESS.parent.mkdir(parents=True, exist_ok=True)
    done = int(PROGRESS.read_text(encoding="utf-8")) if PROGRESS.exists() else 0
    for start in range(done, SPECS, STEP):
        stop = start + STEP
        for seed in range(FIRST + start, FIRST + stop):
            assert not disagreements(seed, tmp_path)
        PROGRESS.write_text(f"{stop}\n", encoding="utf-8")
        print(f"\r{stop:,} of {SPECS:,} specs: no disagreement", end="", flush=True)
    print()
