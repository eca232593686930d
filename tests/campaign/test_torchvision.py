"""All other networks of torchvision, bit for bit."""

import pytest

from resspec.compiler import load
from resspec.passes.measure import measure
from tests.backends.test_torchvision import HEAVY, assert_equals_torchvision
from tests.specs.references import OTHERS, macs, reference


@pytest.mark.parametrize("spec", [*OTHERS, *sorted(HEAVY)])
def test_module_equals_torchvisions(spec: str) -> None:
    assert_equals_torchvision(spec)


@pytest.mark.parametrize("spec", OTHERS)
def test_macs_are_those_torch_counts(spec: str) -> None:
    network = load(spec)
    _, _, side = network.input.dims
    assert measure(network).macs == macs(reference(spec), side)
