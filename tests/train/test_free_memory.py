"""How much memory is free: what the system says, or unknown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from resspec.diagnostics import UsageError
from resspec.training import machine
from resspec.training.machine import decide
from resspec.training.output import plan_text
from resspec.training.plan import Plan
from tests.train.small import ALONE, job, tiny


@pytest.mark.parametrize(
    "text", [None, b"", b"MemTotal:  1 kB\n", b"MemAvailable: much\n", b"\xff\xfe"]
)
def test_free_memory_may_be_unknown(
    text: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "meminfo")
    if text is not None:
        (tmp_path / "meminfo").write_bytes(text)
    assert machine.memory(torch.device("cpu")) is None
    asked = job(tiny(tmp_path))
    recipe = asked.recipe.model_copy(update={"batch_size": 32, "micro_batch_size": "auto"})
    assert decide.micro_batch_size(asked.network, recipe, ALONE) == 32
    plan = Plan(asked, decide.decide(asked.network, asked.recipe, ALONE), ALONE)
    assert "the free memory is unknown" in plan_text.text(plan, tmp_path)


def test_free_memory_is_what_the_system_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    found = machine.memory(torch.device("cpu"))
    assert found is not None and 0 < found <= total
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text(
        "MemTotal: 99 kB\nMemAvailable:       12 kB\n", encoding="ascii"
    )
    assert machine.memory(torch.device("cpu")) == 12 * 1024
    asked = job(tiny(tmp_path))
    recipe = asked.recipe.model_copy(update={"batch_size": 32, "micro_batch_size": "auto"})
    (tmp_path / "meminfo").write_text("MemAvailable: 0 kB\n", encoding="ascii")
    with pytest.raises(UsageError, match=r"0 B are free"):
        decide.micro_batch_size(asked.network, recipe, ALONE)
