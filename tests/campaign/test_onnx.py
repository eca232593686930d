"""Every shipped spec as ONNX, and random pools. The deepest networks take minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.opening import shipped_names
from resspec.passes.quantities import Facts
from tests.backends.onnx_runs import off
from tests.backends.test_onnx import assert_pool_is_exact


def _work(name: str) -> int:
    """Tracing an op takes about as long as so many multiply-adds."""
    facts = Facts(load(name))
    return facts.total("macs") + 20_000_000 * facts.total("layers")


@pytest.mark.parametrize("seed", range(1000, 1600))
def test_a_random_pool_is_exact(seed: int, tmp_path: Path) -> None:
    assert_pool_is_exact(seed, tmp_path)


NAMES = sorted(shipped_names(), key=_work)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_spec_runs_as_the_module(name: str) -> None:
    found = off(load(name))
    if found.pieces is None:
        print(f"{name}: {found.error:.1e}", flush=True)
        return
    print(f"{name}: {found.error:.1e}, piece by piece {found.pieces:.1e}", flush=True)
    assert found.pieces < 1e-4
