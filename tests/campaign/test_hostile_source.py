"""The emitted source of 10,000 specs full of hostile names, comments and paths."""

from tests.backends.test_hostile_source import examine
from tests.campaign.progress import onwards


def test_hostile_specs() -> None:
    onwards("hostile-source", 10_000, examine, batch=50)
