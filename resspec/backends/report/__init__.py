"""The report: what a network and each part of it holds, leaves and costs, as values."""

from __future__ import annotations

from typing import NamedTuple

from resspec.backends.report.views import Row, View, rows
from resspec.diagnostics import UsageError
from resspec.ir.fingerprint import Digests, fingerprint
from resspec.ir.nodes import Network
from resspec.ir.quantities import Conditions
from resspec.passes.quantities import Facts, Figures
from resspec.suggest import nearest

DEFAULT = Conditions()


class MaxBatch(NamedTuple):
    """The largest batch whose training bound fits so many bytes of memory; None where any does."""

    memory: int
    batch: int | None


class Tensors(NamedTuple):
    """Elements of parameters and buffers by the type they have."""

    params: dict[str, int]
    buffers: dict[str, int]


class Report(NamedTuple):
    """`hash` is that of what the network means. Figures that depend on a batch are for the one of the conditions, all
    others for one sample."""

    network: str
    hash: str
    input: str
    at: Conditions
    by: View
    rows: tuple[Row, ...]
    totals: Figures
    tensors: Tensors
    max_batch: MaxBatch | None = None


def report(
    network: Network, digests: Digests | None = None, at: Conditions = DEFAULT, by: View = "stage", memory: int | None = None
) -> Report:
    """The report of a network, a row for each stage, block or layer; `digests` as for the fingerprint; `memory` in bytes.
    Raises UsageError where a frozen section is none."""
    _check(network, at)
    facts = Facts(network, at)
    totals = facts.totals
    counters = facts.counters
    tensors = Tensors({at.dtype: totals["params"]}, {at.dtype: totals["buffers"] - counters, "int64": counters})
    fits = None if memory is None else MaxBatch(memory, facts.training_bound.max_batch(memory))
    found = tuple(rows(facts, by))
    return Report(network.name, fingerprint(network, digests), str(network.input), at, by, found, totals, tensors, fits)


def _check(network: Network, at: Conditions) -> None:
    labels = [section.label for section in network.sections]
    for label in at.frozen.difference(labels):
        near = nearest(label, labels)
        hint = f"did you mean {near!r}?" if near else f"it has {', '.join(labels)}"
        raise UsageError(f"{network.name} has no section {label!r} to freeze; {hint}")
