"""kill -9 at random moments, the same command again: everything ends bit for bit as without."""

from pathlib import Path
from random import Random

from tests.train.crash import content, finished, killed


def test_ten_kills_change_nothing(tmp_path: Path) -> None:
    finished(tmp_path, "whole")
    chance = Random(0)
    kills = sum(killed(tmp_path, "killed", chance, in_save=i % 3 == 0) for i in range(10))
    finished(tmp_path, "killed")
    assert kills == 10
    whole, again = content(tmp_path / "whole"), content(tmp_path / "killed")
    assert whole.keys() == again.keys()
    assert [name for name in whole if whole[name] != again[name]] == []
    assert sum(name.startswith("checkpoints/step-00000400/") for name in whole) == 4
