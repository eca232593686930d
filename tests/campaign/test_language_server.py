"""100,000 random edits and requests: the server never fails, and ends as `check` does."""

from __future__ import annotations

from tests.campaign.progress import run_campaign
from tests.lsp.test_problems import scramble

EDITS = 100  # of one session


def test_edits_end_in_the_diagnostics_of_check() -> None:
    run_campaign(
        "language-server",
        100_000,
        lambda seed, folder: scramble(folder, seed, EDITS),
        step=EDITS,
        batch_size=10,
    )
