"""Every quantity of 20,000 random specs and of all shipped networks equals its reference."""

from pathlib import Path

import pytest

from resspec.opening import shipped_names
from tests.campaign.progress import run_campaign
from tests.passes.differential import disagreements
from tests.passes.test_quantities import assert_quantities_of


def test_quantities_of_random_specs_equal_their_references() -> None:
    def agrees(seed: int, folder: Path) -> None:
        assert not disagreements(seed, folder), seed

    run_campaign("quantities", 20_000, agrees, batch_size=50)


@pytest.mark.parametrize("name", shipped_names())
def test_quantities_of_shipped_networks_equal_their_references(name: str) -> None:
    assert_quantities_of(name)
