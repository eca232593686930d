"""1,000 damaged files of each kind: each is a network, or is refused in a sentence."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
import torch

from tests.campaign.progress import Check, run_campaign
from tests.importing.damaged import assert_damage_is_named_or_harmless
from tests.importing.exported import export, randomized
from tests.importing.test_files import Net


@cache
def _file(kind: str) -> Path:
    path = Path(mkdtemp()) / f"net.{kind}"
    export(randomized(Net()), torch.zeros(1, 3, 32, 32), path, kind)
    return path


def pt2(seed: int, folder: Path) -> str:
    return assert_damage_is_named_or_harmless(seed, _file("pt2"), folder)


def new(seed: int, folder: Path) -> str:
    return assert_damage_is_named_or_harmless(seed, _file("new.onnx"), folder)


def old(seed: int, folder: Path) -> str:
    return assert_damage_is_named_or_harmless(seed, _file("old.onnx"), folder)


CHECKS: dict[Check, str] = {pt2: "pt2", new: "new-onnx", old: "old-onnx"}


@pytest.mark.parametrize("check", CHECKS, ids=CHECKS.values())
def test_damaged_files_are_named_or_harmless(check: Check) -> None:
    run_campaign(f"import-files-{CHECKS[check]}", 1000, check)
