"""100,000 random specs, about half of which cannot be built: resspec and torch agree on each, and on every shape."""

from tests.campaign.progress import onwards
from tests.test_buildable import agrees


def test_random_specs() -> None:
    onwards("buildable", 100_000, agrees)
