"""Every shipped network has the same output in float64 after folding."""

import pytest

from resspec.compiler import load
from resspec.opening import shipped_names
from resspec.passes.quantities import Facts
from tests.passes.folded_networks import assert_folded

MOST_PARAMS = 150_000_000


@pytest.mark.parametrize("name", shipped_names())
def test_folded_networks_have_the_same_output(name: str) -> None:
    network = load(name)
    if Facts(network).total("params") > MOST_PARAMS:
        pytest.skip("too large for two cores")
    assert_folded(network)
