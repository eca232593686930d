"""Folding: texts mean the network that they were made from, and are about as long as a person's."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.importing.fold import text
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.ir.uninitialized import without_init
from resspec.ir.walk import layers, whole
from resspec.opening import shipped_names


@pytest.mark.parametrize("name", shipped_names()[::3])
def test_folded_text_means_the_shipped_network(name: str, tmp_path: Path) -> None:
    network = without_init(load(name))
    path = tmp_path / "folded.res"
    path.write_text(text(network))
    back = without_init(load(path))
    assert fingerprint(back) == fingerprint(network)
    assert names(back) == names(network)


def names(network: Network) -> list[str]:
    """Return the names of all layers with tensors, in order."""
    return [
        name
        for name, step in layers(whole(network))
        if step.layer.parameters(step.node.input) or step.layer.buffers(step.node.input)
    ]
