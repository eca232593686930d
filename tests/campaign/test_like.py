"""Totals `--like` other tools, for all of torchvision's networks that we have."""

from __future__ import annotations

import pytest

from resspec.compiler import load
from tests.passes.counters import disagreements, torchvisions_own
from tests.specs.references import TORCHVISION

CALLS_FUNCTIONS = (
    "densenet",
    "mobilenet_v2",
    "shufflenet",
    "mnasnet",
)  # in torchvision, where ours has modules


@pytest.mark.parametrize(
    "spec", [spec for spec in TORCHVISION if not any(name in spec for name in CALLS_FUNCTIONS)]
)
def test_totals_of_torchvisions_networks_equal_the_tools(spec: str) -> None:
    assert not disagreements(load(spec), torchvisions_own(spec))
