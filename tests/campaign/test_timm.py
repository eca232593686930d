"""The large networks of timm, bit for bit: names, logits, and gradients."""

import pytest

from tests.specs.test_timm import LARGE, assert_equals_timm


@pytest.mark.parametrize("name", LARGE)
def test_module_equals_timms(name: str) -> None:
    assert_equals_timm(name)
