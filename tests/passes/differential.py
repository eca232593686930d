"""One random spec, every quantity against its reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resspec.compiler import load
from resspec.ir.network import Network
from resspec.ir.quantities import DTYPES, Conditions
from resspec.passes.measure import measure
from resspec.passes.quantities import Facts
from tests.passes import references
from tests.random_specs import random_spec

BATCH = 2

# Quantities that torch does not count for any network, and where they are tested instead.
ELSEWHERE = {
    "elementwise": "test_quantities.py: by hand",
    "layers": "test_measure.py: published depths",
    "inference_peak_bytes": "test_peak.py: of emitted code",
}


class Compared(NamedTuple):
    """Our figure and torch's of a quantity, or of a part of it."""

    quantity: str
    what: str
    ours: int
    torchs: int

    @property
    def agrees(self) -> bool:
        return self.ours == self.torchs


def disagreements(seed: int, folder: Path) -> list[str]:
    """What differs, as texts; empty where all agree."""
    path = folder / "random.res"
    path.write_text(random_spec(seed), encoding="utf-8")
    network = load(path)
    dtype = list(DTYPES)[seed % len(DTYPES)]
    labels = [section.label for section in network.sections]
    frozen = frozenset(labels[seed % 3 :: 2]) if seed % 2 else frozenset()
    return [
        f"seed {seed}, {row.what}: {row.ours:,}, torch {row.torchs:,}"
        for row in differing(network, Conditions(BATCH, dtype, frozen=frozen))
    ]


def differing(network: Network, at: Conditions) -> list[Compared]:
    return [row for row in compared(network, at) if not row.agrees]


def compared(network: Network, at: Conditions) -> Iterator[Compared]:
    kind = getattr(torch, at.dtype)
    module, x = references.built(network, kind), references.example(network, at.batch, kind)
    yield from _layers(network, module, x)
    yield from _totals(network, module, x)
    yield from _work(network, module, x)
    references.freeze(module, network, at.frozen)
    yield from _training(network, module, x, at)


def _layers(network: Network, module: nn.Module, x: Tensor) -> Iterator[Compared]:
    flops, acts = references.flops(module, x), references.acts(module, x)
    for path, op in references.layers(network):
        cost = measure(op)
        params, buffers = references.sizes(references.own(module, path))
        yield Compared("flops", f"{path} flops", BATCH * cost.flops, flops.get(path, 0))
        yield Compared("acts", f"{path} acts", BATCH * cost.acts, acts.get(path, 0))
        yield Compared("params", f"{path} params", cost.params, params)
        yield Compared("buffers", f"{path} buffers", cost.buffers, buffers)


def _totals(network: Network, module: nn.Module, x: Tensor) -> Iterator[Compared]:
    total = measure(network)
    flops = references.flops(module, x).get("", 0)
    acts = sum(references.acts(module, x).values())
    params, buffers = references.sizes(module)
    yield Compared("flops", "flops", BATCH * total.flops, flops)
    yield Compared("macs", "macs", 2 * BATCH * total.macs, flops)
    yield Compared("acts", "acts", BATCH * total.acts, acts)
    yield Compared("params", "params", total.params, params)
    yield Compared("buffers", "buffers", total.buffers, buffers)


def _work(network: Network, module: nn.Module, x: Tensor) -> Iterator[Compared]:
    found, traffic = measure(network), references.Traffic.of(module.eval(), x)
    yield Compared("outputs", "elements written", BATCH * found.outputs, traffic.written)
    yield Compared("moved_bytes", "elements read", BATCH * found.read, traffic.read)
    yield Compared("moved_bytes", "weights read", found.weights, traffic.weights)

    facts = Facts(network, Conditions(BATCH, str(x.dtype).removeprefix("torch.")))
    moved = x.itemsize * (traffic.written + traffic.read + traffic.weights)
    yield Compared("moved_bytes", "bytes moved", facts.total("moved_bytes"), moved)
    name = "inference_bound_bytes"
    needed = references.Lifetimes.of(module, x).needed
    yield Compared(name, "lower bound of inference", facts.total(name), needed)


def _training(network: Network, module: nn.Module, x: Tensor, at: Conditions) -> Iterator[Compared]:
    facts = Facts(network, at)
    params, _ = references.sizes(module)
    trainable = sum(each.numel() for each in module.parameters() if each.requires_grad)
    yield Compared("trainable", "trainable", facts.total("trainable"), trainable)

    what = f"{at.dtype}, frozen {', '.join(sorted(at.frozen)) or 'nothing'}"
    flops = 2 * at.batch * (facts.total("macs") + facts.total("backward_macs"))
    theirs = references.training_flops(module, x)
    yield Compared("backward_macs", f"training flops, {what}", flops, theirs)

    saved = references.saved_bytes(module.train(), x)
    yield Compared("saved_bytes", f"saved bytes, {what}", facts.total("saved_bytes"), saved)
    gradients_and_momentum = 2 * trainable
    bound = x.itemsize * (params + gradients_and_momentum) + saved
    name = "training_bound_bytes"
    yield Compared(name, f"training bound, {what}", facts.total(name), bound)
