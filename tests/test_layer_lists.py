"""The tests' own lists of layers have every layer, less those that are named here with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from resspec.ir.ops import OPS
from resspec.ir.ops.activation import Pointwise
from tests import buildable_layers, random_specs
from tests.passes import test_like, test_quantities

ACTIVATIONS = {kind for kind, op in OPS.items() if issubclass(op, Pointwise)} | {"prelu"}
LISTS: dict[str, tuple[Iterable[str], set[str], set[str]]] = {
    # by its name: the texts of a list, what it must have, and what it leaves out
    "random_specs.ACTIVATIONS": (random_specs.ACTIVATIONS, ACTIVATIONS, set()),
    "buildable_layers.ACTIVATIONS": (
        buildable_layers.ACTIVATIONS,
        ACTIVATIONS,
        {
            "relu6",
            "hardsigmoid",
            "square",
            "softmax",
        },  # steps of their own, or left to random_specs
    ),
    "test_quantities.CORNERS": (test_quantities.CORNERS, {*OPS}, set()),
    "test_like.CORNERS": (test_like.CORNERS, {*OPS}, set()),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_every_layer(name: str) -> None:
    texts, wanted, left_out = LISTS[name]
    listed = {word for text in texts for word in re.findall(r"\w+", text)}
    assert wanted - listed == left_out
