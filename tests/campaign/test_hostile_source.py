"""The emitted source of 10,000 specs full of hostile names, comments and paths."""

from tests.backends.test_hostile_source import examine
from tests.campaign.progress import run_campaign


def test_hostile_specs_emit_harmless_source() -> None:
    run_campaign("hostile-source", 10_000, examine, batch_size=50)
