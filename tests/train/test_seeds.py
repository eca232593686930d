"""`compare` shows the spread over runs that differ in their seed alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from resspec import cli
from tests.train.small import tiny, train


def test_the_spread_over_seeds_is_the_sample_standard_deviation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        train(tiny(tmp_path), tmp_path / f"s{seed}", "iterations=8", seed=seed)
    train(tiny(tmp_path), tmp_path / "other", "iterations=8", "lr=0.3", seed=3)
    results = [json.loads(Path(f"s{seed}/result.json").read_text())["top1"] for seed in range(3)]
    errors = 100 * (1 - np.array(results))

    assert cli.run(["compare", "s0", "s1", "s2", "other"]) == 0
    wanted = f"3 seeds: top-1 error {errors.mean():.2f}% ± {errors.std(ddof=1):.2f} "
    assert wanted in capsys.readouterr().out

    assert cli.run(["compare", "s0", "other"]) == 0
    assert "seeds:" not in capsys.readouterr().out
