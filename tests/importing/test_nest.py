"""A graph becomes a network again: of all shipped specs, and of random ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from resspec.compiler import load
from resspec.importing.nest import network as nested
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.ir.uninitialized import without_init
from resspec.ir.verify import verify
from tests.importing.unrolled import unrolled
from tests.random_specs import random_spec
from tests.specs.families import SMALL
from tests.specs.tensors import tensors
from tests.texts import load_text


def agree(network: Network) -> None:
    """The network of an unrolled network's graph is the same one, without its initial values."""
    found = nested(unrolled(network))
    verify(found)
    assert fingerprint(found) == fingerprint(without_init(network))
    assert tensors(found) == tensors(network)


@pytest.mark.parametrize("name", SMALL)
def test_the_graph_of_a_shipped_network_has_the_same_hash(name: str) -> None:
    agree(load(name))


@pytest.mark.parametrize("seed", range(60))
def test_the_graph_of_a_random_network_has_the_same_hash(seed: int, tmp_path: Path) -> None:
    agree(load_text(tmp_path, random_spec(seed)))
