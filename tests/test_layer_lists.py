"""The layers that random specs draw: every layer, less those that are named here with a reason."""

from __future__ import annotations

import re
from pathlib import Path

from resspec.ir.ops import OPS
from resspec.ir.ops.activation import Pointwise
from tests.random_layers import ACTIVATIONS

HERE = Path(__file__).parent
NOT_BUILT = {
    "grn": "of timm, held to it in tests/specs",
    "blurpool": "of timm, held to it in tests/specs",
    "layer_scale": "holds a parameter of its own; random_layers has it",
    "gain": "a parameter of the module around it; random_layers has it",
    "shift": "as gain",
    "placeholder": "stands for what could not be imported",
}


def test_random_specs_have_every_activation() -> None:
    drawn = {word for text in ACTIVATIONS for word in re.findall(r"\w+", text)}
    assert {kind for kind, op in OPS.items() if issubclass(op, Pointwise)} <= drawn


def test_networks_that_torch_must_build_have_every_layer() -> None:
    texts = [(HERE / f"buildable{part}.py").read_text() for part in ("", "_layers", "_newer")]
    drawn = set(re.findall(r"\w+", " ".join(texts)))
    assert {*OPS} - drawn == {*NOT_BUILT}
