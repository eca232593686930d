"""100,000 random specs, about half of which cannot be built: resspec and torch agree on each, and on every shape."""

from pathlib import Path

from tests.campaign.progress import onwards
from tests.test_buildable import agrees


def test_random_specs(tmp_path: Path) -> None:
    def examine(seed: int) -> None:
        for each in range(seed, seed + 100):
            agrees(each, tmp_path)

    onwards("buildable", 100_000, examine, each=100)
