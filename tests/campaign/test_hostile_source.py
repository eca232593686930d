"""The emitted source of 10,000 specs full of hostile names, comments and paths."""

import shutil
from pathlib import Path

from tests.backends.test_hostile_source import examine
from tests.campaign.progress import onwards


def test_hostile_specs(tmp_path: Path) -> None:
    def examine_some(seed: int) -> None:
        folder = tmp_path / str(seed)
        folder.mkdir()
        for each in range(seed, seed + 50):
            examine(each, folder)
        shutil.rmtree(folder)

    onwards("hostile-source", 10_000, examine_some, each=50)
