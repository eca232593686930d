"""Every quantity of 20,000 random specs equals its reference."""

from pathlib import Path

from tests.campaign.progress import run_campaign
from tests.passes.differential import disagreements


def test_quantities_of_random_specs_equal_their_references() -> None:
    def agrees(seed: int, folder: Path) -> None:
        assert not disagreements(seed, folder), seed

    run_campaign("quantities", 20_000, agrees, batch_size=50)
