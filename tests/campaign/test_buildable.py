"""On 100,000 random specs, resspec and torch agree on what can be built, and on every shape."""

from tests.campaign.progress import run_campaign
from tests.test_buildable import agrees


def test_resspec_and_torch_agree_on_random_specs() -> None:
    run_campaign("buildable", 100_000, agrees)
