"""10,000 damaged files of weights: each is read, or refused by name."""

from tests.campaign.progress import run_campaign
from tests.train.test_weights_files import assert_damage_is_named_or_harmless


def test_damaged_weights_are_named_or_harmless() -> None:
    run_campaign("weights-files", 10_000, assert_damage_is_named_or_harmless)
