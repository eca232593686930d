"""Emitted files of 20,000 random networks against the modules built of the same IR."""

from tests.backends.random_networks import random_network
from tests.backends.test_source import assert_twins
from tests.campaign.progress import onwards


def test_random_networks() -> None:
    onwards("source", 20_000, lambda seed, _: assert_twins(random_network(seed)), batch=10)
