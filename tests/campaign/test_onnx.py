"""Every spec that ships, as ONNX: `pytest -s tests/campaign/test_onnx.py`; the deepest take minutes."""

from __future__ import annotations

import pytest

from resspec.compiler import load, shipped_names
from tests.backends.onnx_runs import error


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_spec(name: str) -> None:
    off = error(load(name))
    print(f"{name}: {off:.1e}", flush=True)
    assert off < 1e-4
