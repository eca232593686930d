"""Every quantity of 20,000 random specs against its reference."""

from pathlib import Path

from tests.campaign.progress import onwards
from tests.passes.differential import disagreements


def test_random_specs() -> None:
    def agrees(seed: int, folder: Path) -> None:
        assert not disagreements(seed, folder), seed

    onwards("quantities", 20_000, agrees, batch=50)
