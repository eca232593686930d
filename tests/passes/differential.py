"""One random spec, every quantity against its reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from resspec.compiler import load
from resspec.ir.network import Network
from resspec.ir.quantities import DTYPES, Conditions
from resspec.passes.measure import measure
from resspec.passes.quantities import Facts
from tests.passes import references
from tests.random_specs import random_spec

BATCH = 2


def disagreements(seed: int, folder: Path) -> list[str]:
    """What differs, as texts; empty where all agree."""
    path = folder / "random.res"
    path.write_text(random_spec(seed), encoding="utf-8")
    network = load(path)
    dtype = list(DTYPES)[seed % len(DTYPES)]
    labels = [section.label for section in network.sections]
    frozen = frozenset(labels[seed % 3 :: 2]) if seed % 2 else frozenset()
    rows = compared(network, Conditions(BATCH, dtype, frozen=frozen))
    return [
        f"seed {seed}, {what}: {ours:,}, torch {torchs:,}"
        for what, ours, torchs in rows
        if ours != torchs
    ]


def compared(network: Network, at: Conditions) -> Iterator[tuple[str, int, int]]:
    """What, our figure, torch's."""
    kind = getattr(torch, at.dtype)
    module, x = references.built(network, kind), references.example(network, at.batch, kind)
    yield from _layers(network, module, x)
    yield from _work(network, module, x)
    references.freeze(module, network, at.frozen)
    facts = Facts(network, at)
    yield (
        "trainable",
        facts.total("trainable"),
        sum(tensor.numel() for tensor in module.parameters() if tensor.requires_grad),
    )
    macs = facts.total("macs") + facts.total("backward_macs")
    what = f"{at.dtype}, frozen {', '.join(sorted(at.frozen)) or 'nothing'}"
    yield f"training flops, {what}", 2 * at.batch * macs, references.training_flops(module, x)
    yield (
        f"saved bytes, {what}",
        facts.total("saved_bytes"),
        references.saved_bytes(module.train(), x),
    )


def _layers(
    network: Network, module: torch.nn.Module, x: torch.Tensor
) -> Iterator[tuple[str, int, int]]:
    flops, acts = references.flops(module, x), references.acts(module, x)
    for path, op in references.layers(network):
        cost = measure(op)
        params, buffers = references.sizes(references.own(module, path))
        yield f"{path} flops", BATCH * cost.flops, flops.get(path, 0)
        yield f"{path} acts", BATCH * cost.acts, acts.get(path, 0)
        yield f"{path} params", cost.params, params
        yield f"{path} buffers", cost.buffers, buffers
    total = measure(network)
    yield "flops", BATCH * total.flops, flops.get("", 0)
    yield "params", total.params, sum(tensor.numel() for tensor in module.parameters())
    yield "buffers", total.buffers, sum(tensor.numel() for tensor in module.buffers())
    yield "acts", BATCH * total.acts, sum(acts.values())


def _work(
    network: Network, module: torch.nn.Module, x: torch.Tensor
) -> Iterator[tuple[str, int, int]]:
    found, traffic = measure(network), references.Traffic.of(module.eval(), x)
    yield "elements written", BATCH * found.outputs, traffic.written
    yield "elements read", BATCH * found.read, traffic.read
    yield "weights read", found.weights, traffic.weights
    bound = Facts(network, Conditions(BATCH, str(x.dtype).removeprefix("torch."))).total(
        "inference_bound_bytes"
    )
    yield "lower bound of inference", bound, references.Lifetimes.of(module, x).needed
