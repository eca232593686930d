"""Every spec that ships, as ONNX: `pytest -s tests/campaign/test_onnx.py`; the deepest take minutes."""

from __future__ import annotations

import pytest

from resspec.compiler import load
from resspec.opening import shipped_names
from resspec.passes.quantities import Facts
from tests.backends.onnx_runs import off


def _layers(name: str) -> int:
    return Facts(load(name)).total("layers")


NAMES = sorted(shipped_names(), key=_layers)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_spec(name: str) -> None:
    found = off(load(name), exactly=True)
    print(f"{name}: {found.error:.1e}, rounding in torch itself {found.rounding:.1e}, in float64 {found.exact:.1e}", flush=True)
    assert found.exact is not None and found.exact < 1e-4
    assert found.error < max(1e-4, 10 * found.rounding)
