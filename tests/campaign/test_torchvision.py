"""The large networks of torchvision, bit for bit."""

import pytest

from tests.backends.test_torchvision import LARGE, assert_equals_torchvision


@pytest.mark.parametrize("spec", LARGE)
def test_module_equals_torchvisions(spec: str) -> None:
    assert_equals_torchvision(spec)
