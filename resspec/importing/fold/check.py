"""The check that a text means a network: it lowers to the same one, except for initial values."""

from __future__ import annotations

from resspec.diagnostics import SpecError
from resspec.importing import reading
from resspec.ir.fingerprint import fingerprint
from resspec.ir.network import Network
from resspec.ir.uninitialized import without_init
from resspec.lowering.network import lower
from resspec.source import Source


class Check:
    """A comparison of texts with one network."""

    def __init__(self, network: Network) -> None:
        self.name = network.name
        self.outputs = network.outputs
        self._hash = fingerprint(without_init(network))

    def holds(self, text: str) -> bool:
        """Return whether a text means the network."""
        network = _lowered(text, self.name)
        if network is None or network.outputs != self.outputs:
            return False
        return fingerprint(without_init(network)) == self._hash


def _lowered(text: str, name: str) -> Network | None:
    try:
        library, mistakes = reading.library(Source(name, text))
    except SpecError:
        return None
    lowered = lower(library, name)
    return None if mistakes or lowered.diagnostics else lowered.network
