"""Emitted files of 20,000 random networks equal the modules built from the same IR."""

from tests.backends.random_networks import random_network
from tests.backends.test_source import assert_twins
from tests.campaign.progress import run_campaign


def test_source_of_random_networks_equals_the_module() -> None:
    run_campaign(
        "source", 20_000, lambda seed, _: assert_twins(random_network(seed)), batch_size=10
    )
