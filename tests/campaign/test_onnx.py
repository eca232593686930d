"""Every spec that ships, as ONNX: `pytest -s tests/campaign/test_onnx.py`; the deepest take minutes."""

from __future__ import annotations

import pytest

from resspec.compiler import load
from resspec.opening import shipped_names
from tests.backends.onnx_runs import off


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_spec(name: str) -> None:
    found = off(load(name))
    print(f"{name}: {found.error:.1e}, rounding in torch itself {found.rounding:.1e}", flush=True)
    assert found.error < max(1e-4, 10 * found.rounding)
